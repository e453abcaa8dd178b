import { describe, expect, test } from 'vitest';

import { startOperation } from '../src/tools/start-operation.js';
import { eventually } from './support/eventually.js';
import { failure, newContext } from './support/tools.js';

const LONG = { steps: 100, step_milliseconds: 1000 };

describe('start_operation', () => {
  test('starts work that runs to completion and says what it did', async () => {
    const context = newContext();
    const args = { steps: 3, step_milliseconds: 0 };
    const { operation_id, status, status_uri } = await startOperation.call(args, context);
    const id = String(operation_id);
    expect([status, status_uri]).toEqual(['started', `operation://${id}`]);
    await eventually(async () => {
      expect(await context.operations.get('alice', id)).toMatchObject({
        status: 'completed',
        progress: 1,
        result: { steps_completed: 3 },
      });
    });
  });

  test('with the same key and arguments is the same operation, with others a conflict', async () => {
    const context = newContext();
    const start = (args: object) =>
      startOperation.call({ ...LONG, idempotency_key: 'key-1', ...args }, context);
    const { operation_id } = await start({});
    expect(await start({})).toMatchObject({ operation_id });
    const error = await failure(start({ steps: 99 }));
    expect([error.code, error.message]).toEqual([
      'state_conflict',
      'idempotency_key: already used with other arguments',
    ]);
    await context.operations.stop();
  });

  test('is refused when too many run', async () => {
    const context = newContext();
    await startOperation.call(LONG, context);
    await startOperation.call(LONG, context);
    const error = await failure(startOperation.call(LONG, context));
    expect(error.code).toBe('too_many_operations');
    await context.operations.stop();
  });

  test.each([
    [{ steps: 0 }, 'steps must be at least 1'],
    [{ steps: 101 }, 'steps must be at most 100'],
    [{ steps: 1.5 }, 'steps must be an integer'],
    [{ steps: '3' }, 'steps must be an integer'],
    [{ idempotency_key: 'a b' }, 'idempotency_key must match ^[A-Za-z0-9_-]{1,64}$'],
  ])('%j: %s', async (args, reason) => {
    const { message } = await failure(startOperation.call(args, newContext()));
    expect(message).toBe(`Invalid arguments: ${reason}`);
  });
});
