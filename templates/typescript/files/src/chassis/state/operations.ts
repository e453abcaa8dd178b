/** Long-running operations: their workers run here, what is known of them is in the store. */
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { AppError } from '../errors.js';
import { canonicalJson, type JsonObject } from '../json.js';
import type { Logger } from '../observability/logs.js';
import { type Change, isTerminal, type Operation, type OperationStore } from './store.js';

export type { Operation } from './store.js';
export { isTerminal, STATUSES } from './store.js';

/** What runs in the background: it tells how far it is, and stops when the signal aborts. */
export type Work = (worker: {
  readonly signal: AbortSignal;
  readonly report: (progress: number) => Promise<void>;
}) => Promise<JsonObject>;

export interface Start {
  readonly subject: string;
  /** Decide whether an idempotency key is used for the same thing again. */
  readonly args: JsonObject;
  readonly idempotencyKey?: string | undefined;
}

/** Well within the lease of a store that replicas share, however long a step takes. */
const HEARTBEAT = 5000;
const POLL = 100;
/** How long the end of an operation is offered to a store that cannot be reached. */
const FINAL_ATTEMPTS = 60;
const FINAL_RETRY = 1000;

export class Operations {
  readonly #store: OperationStore;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  readonly #workers = new Set<Promise<void>>();

  constructor(store: OperationStore, logger: Logger) {
    this.#store = store;
    this.#logger = logger.child({ logger: 'operations' });
  }

  /** @throws AppError `state_conflict`, `too_many_operations` or `dependency_unavailable` */
  async start({ subject, args, idempotencyKey }: Start, work: Work): Promise<Operation> {
    const { operation, created } = await this.#store.create({
      id: randomBytes(16).toString('base64url'),
      subject,
      fingerprint: createHash('sha256').update(canonicalJson(args)).digest('base64url'),
      idempotencyKey,
    });
    if (created) this.#launch(operation, work);
    return operation;
  }

  /** @throws AppError `operation_not_found` for an operation of another subject, too */
  async get(subject: string, id: string): Promise<Operation> {
    return found(await this.#store.get(subject, id));
  }

  /** Resolves as soon as the status is another one, or to what it is after so many seconds. */
  async changed(
    operation: Operation,
    seconds: number,
    signal: AbortSignal,
    onProgress: (progress: number) => Promise<void>,
  ): Promise<Operation> {
    const end = performance.now() + seconds * 1000;
    let reported = -1;
    let now = operation;
    while (now.status === operation.status && !isTerminal(now.status)) {
      if (now.progress > reported) {
        reported = now.progress;
        await onProgress(reported);
      }
      const left = end - performance.now();
      if (left <= 0) break;
      await sleep(Math.min(POLL, left), undefined, { signal });
      now = await this.get(operation.subject, operation.id);
    }
    return now;
  }

  /** @throws AppError `state_conflict` when it has completed or failed */
  async cancel(subject: string, id: string): Promise<Operation> {
    const operation = found(await this.#store.update(subject, id, { status: 'cancelled' }));
    if (operation.status === 'cancelled') return operation;
    throw new AppError('state_conflict', { message: `operation_id: already ${operation.status}` });
  }

  /** Ends every worker of this process; what they were doing is marked `failed`. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#workers);
  }

  #launch(operation: Operation, work: Work): void {
    const worker = this.#work(operation, work)
      .catch((error: unknown) => {
        this.#logger.error({ err: error, operation_id: operation.id }, 'operation.lost');
      })
      .finally(() => this.#workers.delete(worker));
    this.#workers.add(worker);
  }

  async #work({ id, subject }: Operation, work: Work): Promise<void> {
    const ended = new AbortController();
    const signal = AbortSignal.any([ended.signal, this.#stopping.signal]);
    const beat = async (progress?: number) => {
      const change = { status: 'running' as const, ...(progress !== undefined && { progress }) };
      if (await this.#hasEnded(subject, id, change)) ended.abort();
    };
    const heart = setInterval(() => {
      beat().catch((error: unknown) => {
        ended.abort(error);
      });
    }, HEARTBEAT);
    try {
      await beat(0);
      signal.throwIfAborted();
      const result = await work({ signal, report: beat });
      await this.#finish(subject, id, { status: 'completed', progress: 1, result });
    } catch (error) {
      // What has ended elsewhere, by a cancellation, stays as it is: stores see to that.
      if (!signal.aborted) this.#logger.error({ err: error, operation_id: id }, 'operation.failed');
      await this.#finish(subject, id, { status: 'failed' });
    } finally {
      clearInterval(heart);
    }
  }

  /** Whether the operation has ended elsewhere; work goes on while the store is away. */
  async #hasEnded(subject: string, id: string, change: Change): Promise<boolean> {
    try {
      const now = await this.#store.update(subject, id, change);
      return !now || isTerminal(now.status);
    } catch (error) {
      if (error instanceof AppError && error.code === 'dependency_unavailable') return false;
      throw error;
    }
  }

  async #finish(subject: string, id: string, change: Change): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#store.update(subject, id, change);
        return;
      } catch (error) {
        if (attempt === FINAL_ATTEMPTS || this.#stopping.signal.aborted) throw error;
        await sleep(FINAL_RETRY, undefined, { ref: false });
      }
    }
  }
}

/** An operation as clients see it. */
export function describeOperation({ id, status, progress, result }: Operation) {
  return { operation_id: id, status, progress, ...(result && { result }) };
}

function found(operation: Operation | undefined): Operation {
  if (!operation) throw new AppError('operation_not_found');
  return operation;
}
