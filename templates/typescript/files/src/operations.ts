/** Long-running operations: their workers run here, what is known of them is in the store. */
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { AppError } from './errors.js';
import { canonicalJson } from './json.js';
import { type Logger } from './observability.js';
import { type Change, isTerminal, type Operation, type OperationStore } from './state.js';

export type { Operation } from './state.js';

export interface Work {
  readonly steps: number;
  readonly stepMilliseconds: number;
  readonly idempotencyKey?: string | undefined;
}

/** How long the end of an operation is offered to a store that cannot be reached. */
const FINAL_ATTEMPTS = 60;
const FINAL_RETRY_MILLISECONDS = 1000;

export class Operations {
  readonly #store: OperationStore;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  readonly #workers = new Set<Promise<void>>();

  constructor(store: OperationStore, logger: Logger) {
    this.#store = store;
    this.#logger = logger;
  }

  /** @throws AppError `state_conflict`, `too_many_operations` or `dependency_unavailable` */
  async start(subject: string, { idempotencyKey, ...work }: Work): Promise<Operation> {
    const { operation, created } = await this.#store.create({
      id: randomBytes(16).toString('base64url'),
      subject,
      fingerprint: createHash('sha256').update(canonicalJson(work)).digest('base64url'),
      idempotencyKey,
    });
    if (created) this.#launch(operation, work);
    return operation;
  }

  /** @throws AppError `operation_not_found` for an operation of another subject, too */
  async get(subject: string, id: string): Promise<Operation> {
    return found(await this.#store.get(subject, id));
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

  async #work({ id, subject }: Operation, { steps, stepMilliseconds }: Work): Promise<void> {
    const { signal } = this.#stopping;
    try {
      for (let step = 0; step < steps; step += 1) {
        const ended = await this.#report(subject, id, {
          status: 'running',
          progress: step / steps,
        });
        if (ended) return;
        await sleep(stepMilliseconds, undefined, { signal });
      }
    } catch (error) {
      if (!signal.aborted) this.#logger.error({ err: error, operation_id: id }, 'operation.failed');
      await this.#finish(subject, id, { status: 'failed' });
      return;
    }
    await this.#finish(subject, id, {
      status: 'completed',
      progress: 1,
      result: { steps_completed: steps },
    });
  }

  /** Whether the operation has ended elsewhere; work goes on while the store is away. */
  async #report(subject: string, id: string, change: Change): Promise<boolean> {
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
        await sleep(FINAL_RETRY_MILLISECONDS, undefined, { ref: false });
      }
    }
  }
}

function found(operation: Operation | undefined): Operation {
  if (!operation) throw new AppError('operation_not_found');
  return operation;
}
