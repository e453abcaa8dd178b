/**
 * Business logic of the tools, free of MCP: functions of validated input and what a tool may use.
 * They throw AppError for what the client should know; anything else reaches it as `internal`.
 */
import { setTimeout as sleep } from 'node:timers/promises';

import { AppError } from '../errors.js';
import { type Operation, type Operations } from '../operations.js';
import type { RecordsApi } from '../records.js';
import type { CallLimits } from '../resilience.js';
import { isTerminal } from '../state.js';
import { codePoints, countWords, trim } from '../text.js';

/** What a tool may use: who calls, the services behind the server, when to stop. */
export interface ToolContext {
  readonly subject: string;
  readonly operations: Operations;
  readonly records: RecordsApi | undefined;
  /** Its signal aborts when the caller gave up or the time is over. */
  readonly limits: CallLimits;
  /** Tells the client the share (0–1) that is done; does nothing if it did not ask. */
  readonly reportProgress: (progress: number) => Promise<void>;
}

const POLL_MILLISECONDS = 100;

export interface ProcessTextInput {
  readonly text: string;
  readonly options?: { readonly uppercase: boolean; readonly trim: boolean } | undefined;
}

export function processText({ text, options }: ProcessTextInput) {
  const { uppercase, trim: trimmed } = options ?? { uppercase: false, trim: true };
  const kept = trimmed ? trim(text) : text;
  const result = uppercase ? kept.toUpperCase() : kept;
  return {
    result,
    metadata: {
      processed_at: new Date().toISOString(),
      input_length: codePoints(text),
      output_length: codePoints(result),
      word_count: countWords(result),
    },
  };
}

export async function lookupRecord(
  { record_id }: { readonly record_id: string },
  { records, limits }: ToolContext,
) {
  if (!records) {
    throw new AppError('dependency_unavailable', { message: 'external_api is unavailable' });
  }
  const record = await records.fetch(record_id, limits);
  return { record_id, record, fetched_at: new Date().toISOString() };
}

export interface StartOperationInput {
  readonly steps: number;
  readonly step_milliseconds: number;
  readonly idempotency_key?: string | undefined;
}

export async function startOperation(input: StartOperationInput, context: ToolContext) {
  const operation = await context.operations.start(context.subject, {
    steps: input.steps,
    stepMilliseconds: input.step_milliseconds,
    idempotencyKey: input.idempotency_key,
  });
  return {
    operation_id: operation.id,
    status: operation.status,
    status_uri: `operation://${operation.id}`,
  };
}

export interface CheckOperationInput {
  readonly operation_id: string;
  readonly wait_seconds: number;
}

/** Returns at once, or as soon as the status differs from what it was, or after `wait_seconds`. */
export async function checkOperationStatus(input: CheckOperationInput, context: ToolContext) {
  const { operations, subject, limits } = context;
  const deadline = performance.now() + input.wait_seconds * 1000;
  let operation = await operations.get(subject, input.operation_id);
  const { status } = operation;
  let reported = -1;
  while (operation.status === status && !isTerminal(status)) {
    if (input.wait_seconds > 0 && operation.progress > reported) {
      reported = operation.progress;
      await context.reportProgress(reported);
    }
    const remaining = deadline - performance.now();
    if (remaining <= 0) break;
    await sleep(Math.min(POLL_MILLISECONDS, remaining), undefined, { signal: limits.signal });
    operation = await operations.get(subject, input.operation_id);
  }
  return describeOperation(operation);
}

export async function cancelOperation(
  { operation_id }: { readonly operation_id: string },
  { operations, subject }: ToolContext,
) {
  const { id, status } = await operations.cancel(subject, operation_id);
  return { operation_id: id, status };
}

export function describeOperation({ id, status, progress, result }: Operation) {
  return { operation_id: id, status, progress, ...(result && { result }) };
}
