/** check_operation_status: how far an operation is. */
import * as z from 'zod';

import { jsonObject } from '../chassis/schemas.js';
import { describeOperation, STATUSES } from '../chassis/state/operations.js';
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
  wait_seconds: z
    .number()
    .min(0)
    .max(20)
    .default(0)
    .describe('Longest time to wait for a change of status, in seconds.'),
});

const output = z.looseObject({
  operation_id: operationId.describe('Id of the operation.'),
  status: z.enum(STATUSES).describe('State of the operation.'),
  progress: z.number().min(0).max(1).describe('Share of the work that is done.'),
  result: jsonObject().optional().describe('Result of a completed operation; absent otherwise.'),
});

async function run(
  { operation_id, wait_seconds }: z.output<typeof input>,
  { operations, subject, limits, waiting, reportProgress }: ToolContext,
) {
  const now = await operations.get(subject, operation_id);
  if (wait_seconds === 0) return describeOperation(now);
  const later = await waiting(() =>
    operations.changed(now, wait_seconds, limits.signal, reportProgress),
  );
  return describeOperation(later ?? now);
}

export const checkOperationStatus = defineTool({
  name: 'check_operation_status',
  title: 'Check an operation',
  description:
    "Report an operation's status and progress, optionally waiting for a change of status.",
  version: '1.0.0',
  scope: 'operations:read',
  annotations: READ_ONLY,
  sideEffects: 'None.',
  errors: { operation_not_found: NO_OPERATION, dependency_unavailable: NO_STATE },
  // Without writes there are no operations.
  needs: ({ enableWrites }) => enableWrites,
  input,
  output,
  run,
});
