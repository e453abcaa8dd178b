import { expect, test } from 'vitest';

import { operation } from '../src/resources/operation.js';
import { failure, newContext } from './support/tools.js';

test('an operation is read by its subject, and by nobody else', async () => {
  const context = newContext();
  const { id } = await context.operations.start({ subject: 'alice', args: {} }, () =>
    Promise.resolve({}),
  );
  expect(await operation.read(id, context)).toMatchObject({ operation_id: id });
  const bob = { ...context, subject: 'bob' };
  const error = await failure(Promise.resolve(operation.read(id, bob)));
  expect(error.code).toBe('operation_not_found');
});
