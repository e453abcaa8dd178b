/** cancel_operation: stop an operation. */
import * as z from 'zod';

import { STATUSES } from '../chassis/state/operations.js';
import {
  defineTool,
  NO_OPERATION,
  NO_STATE,
  operationId,
  READ_ONLY,
  type ToolContext,
} from './tools.js';

const input = z.strictObject({
  operation_id: operationId.describe('Id that start_operation returned.'),
});

const output = z.looseObject({
  operation_id: operationId.describe('Id of the operation.'),
  status: z.enum(STATUSES).describe('State of the operation.'),
});

async function run({ operation_id }: z.output<typeof input>, { operations, subject }: ToolContext) {
  const { id, status } = await operations.cancel(subject, operation_id);
  return { operation_id: id, status };
}

export const cancelOperation = defineTool({
  name: 'cancel_operation',
  title: 'Cancel an operation',
  description: 'Stop a running operation; what it has done so far is not undone.',
  version: '1.0.0',
  scope: 'operations:write',
  annotations: { ...READ_ONLY, readOnlyHint: false, destructiveHint: true },
  sideEffects: 'Stops the operation for good.',
  errors: {
    operation_not_found: NO_OPERATION,
    state_conflict: 'The operation has completed or failed.',
    dependency_unavailable: NO_STATE,
  },
  input,
  output,
  run,
});
