/** start_operation: start work that outlasts a call. */
import { setTimeout as sleep } from 'node:timers/promises';

import * as z from 'zod';

import { integer, text } from '../chassis/schemas.js';
import { STATUSES, type Work } from '../chassis/state/operations.js';
import { defineTool, NAME, NO_STATE, operationId, READ_ONLY, type ToolContext } from './tools.js';

const input = z.strictObject({
  steps: integer({ min: 1, max: 100 }).default(10).describe('Number of steps.'),
  step_milliseconds: integer({ min: 0, max: 1000 })
    .default(100)
    .describe('Duration of a step in milliseconds.'),
  idempotency_key: text({ pattern: NAME })
    .optional()
    .describe('Repeating a call with the same key and arguments gives the same operation.'),
});

const output = z.looseObject({
  operation_id: operationId.describe('Id of the operation.'),
  status: z.enum(STATUSES).describe('State of the operation.'),
  status_uri: z.string().describe("URI of the resource that holds the operation's status."),
});

async function run(
  { idempotency_key: idempotencyKey, ...args }: z.output<typeof input>,
  { operations, subject }: ToolContext,
) {
  const work: Work = async ({ signal, report }) => {
    for (let step = 1; step <= args.steps; step += 1) {
      await sleep(args.step_milliseconds, undefined, { signal });
      await report(step / args.steps);
    }
    return { steps_completed: args.steps };
  };
  const { id, status } = await operations.start({ subject, args, idempotencyKey }, work);
  return { operation_id: id, status, status_uri: `operation://${id}` };
}

export const startOperation = defineTool({
  name: 'start_operation',
  title: 'Start an operation',
  description: 'Start a long-running operation; follow it with check_operation_status.',
  version: '1.0.0',
  scope: 'operations:write',
  annotations: { ...READ_ONLY, readOnlyHint: false, idempotentHint: false },
  sideEffects:
    'Creates an operation that runs in the background and is kept until its time to live ends.',
  errors: {
    state_conflict: 'The idempotency key was used with other arguments.',
    too_many_operations: 'The caller has MCP_MAX_OPERATIONS running operations.',
    dependency_unavailable: NO_STATE,
  },
  input,
  output,
  run,
});
