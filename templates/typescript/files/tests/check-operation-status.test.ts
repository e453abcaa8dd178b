import { describe, expect, test } from 'vitest';

import type { Work } from '../src/chassis/state/operations.js';
import { checkOperationStatus } from '../src/tools/check-operation-status.js';
import { eventually } from './support/eventually.js';
import { failure, newContext } from './support/tools.js';

const args = (operation_id: string, wait_seconds = 0) => ({ operation_id, wait_seconds });

/** An operation that goes on until it is told to end. */
async function startOne(context = newContext()) {
  let end: () => void = () => undefined;
  const work: Work = async ({ report }) => {
    await report(0.5);
    await new Promise<void>((resolve) => (end = resolve));
    return { done: true };
  };
  const { id } = await context.operations.start({ subject: 'alice', args: {} }, work);
  await eventually(async () => {
    expect(await context.operations.get('alice', id)).toMatchObject({ progress: 0.5 });
  });
  return {
    context,
    id,
    end: () => {
      end();
    },
  };
}

describe('check_operation_status', () => {
  test('says at once how far an operation is', async () => {
    const { context, id, end } = await startOne();
    const now = await checkOperationStatus.call(args(id), context);
    expect(now).toEqual({ operation_id: id, status: 'running', progress: 0.5 });
    end();
  });

  test('waits for a change of status, telling the progress', async () => {
    const seen: number[] = [];
    const reportProgress = (progress: number) => Promise.resolve(void seen.push(progress));
    const { context, id, end } = await startOne(newContext({ reportProgress }));
    const waiting = checkOperationStatus.call(args(id, 20), context);
    setTimeout(end, 50);
    expect(await waiting).toMatchObject({ status: 'completed', result: { done: true } });
    expect(seen).toContain(0.5);
  });

  test('does not wait when there is no room to', async () => {
    const { context, id, end } = await startOne(
      newContext({ waiting: () => Promise.resolve(undefined) }),
    );
    const now = await checkOperationStatus.call(args(id, 20), context);
    expect(now).toMatchObject({ status: 'running' });
    end();
  });

  test('knows no operation of somebody else', async () => {
    const { context, id, end } = await startOne();
    const bob = { ...context, subject: 'bob' };
    const error = await failure(checkOperationStatus.call(args(id), bob));
    expect([error.code, error.message]).toEqual([
      'operation_not_found',
      'operation_id: no such operation',
    ]);
    end();
  });
});
