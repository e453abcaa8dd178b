import { describe, expect, test } from 'vitest';

import type { Work } from '../src/chassis/state/operations.js';
import { cancelOperation } from '../src/tools/cancel-operation.js';
import { eventually } from './support/eventually.js';
import { failure, newContext } from './support/tools.js';

const forEver: Work = () => new Promise(() => undefined);
const atOnce: Work = () => Promise.resolve({});

describe('cancel_operation', () => {
  test('stops an operation once and for all', async () => {
    const context = newContext();
    const { id } = await context.operations.start({ subject: 'alice', args: {} }, forEver);
    const cancelled = { operation_id: id, status: 'cancelled' };
    expect(await cancelOperation.call({ operation_id: id }, context)).toEqual(cancelled);
    expect(await cancelOperation.call({ operation_id: id }, context)).toEqual(cancelled);
    expect(await context.operations.get('alice', id)).toMatchObject({ status: 'cancelled' });
  });

  test('is too late after its end', async () => {
    const context = newContext();
    const { id } = await context.operations.start({ subject: 'alice', args: {} }, atOnce);
    await eventually(async () => {
      expect(await context.operations.get('alice', id)).toMatchObject({ status: 'completed' });
    });
    const error = await failure(cancelOperation.call({ operation_id: id }, context));
    expect([error.code, error.message]).toEqual([
      'state_conflict',
      'operation_id: already completed',
    ]);
  });

  test('knows no operation of somebody else', async () => {
    const context = newContext();
    const { id } = await context.operations.start({ subject: 'alice', args: {} }, forEver);
    const bob = { ...context, subject: 'bob' };
    const error = await failure(cancelOperation.call({ operation_id: id }, bob));
    expect(error.code).toBe('operation_not_found');
  });
});
