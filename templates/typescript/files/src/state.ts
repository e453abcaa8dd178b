/** Where operations live: the interface of a store, and the one that lives in this process. */
import { AppError } from './errors.js';
import type { JsonObject } from './json.js';

export const STATUSES = ['started', 'running', 'completed', 'failed', 'cancelled'] as const;
export type Status = (typeof STATUSES)[number];

export interface Operation {
  readonly id: string;
  readonly subject: string;
  readonly status: Status;
  /** Share of the work that is done, 0–1. */
  readonly progress: number;
  readonly result?: JsonObject | undefined;
}

export interface NewOperation {
  readonly id: string;
  readonly subject: string;
  /** Equal for equal arguments. */
  readonly fingerprint: string;
  readonly idempotencyKey?: string | undefined;
}

export interface Change {
  readonly status: Status;
  readonly progress?: number;
  readonly result?: JsonObject;
}

export interface StoreLimits {
  /** Running operations of one subject. */
  readonly maxRunning: number;
  /** Operations of all subjects that are kept. */
  readonly maxKept: number;
  readonly ttlSeconds: number;
}

/** Every method throws AppError `dependency_unavailable` when the store cannot be reached. */
export interface OperationStore {
  /** Resolves when the store can be used for the first time. */
  connect(): Promise<void>;
  /**
   * Adds an operation, or returns the one that the same idempotency key already started.
   * @throws AppError `state_conflict` or `too_many_operations`
   */
  create(operation: NewOperation): Promise<{ operation: Operation; created: boolean }>;
  get(subject: string, id: string): Promise<Operation | undefined>;
  /** Changes an operation unless it has ended; returns what it is now, so that its worker sees a cancellation. */
  update(subject: string, id: string, change: Change): Promise<Operation | undefined>;
  readonly healthy: boolean;
  close(): Promise<void>;
}

export function isTerminal(status: Status): boolean {
  return status !== 'started' && status !== 'running';
}

export function keyConflict(): AppError {
  return new AppError('state_conflict');
}

interface Entry {
  operation: Operation;
  readonly expiresAt: number;
  readonly fingerprint: string;
  readonly key: string | undefined;
}

/** Keeps operations in insertion order, so that the oldest are the first to expire and to be dropped. */
export class MemoryStore implements OperationStore {
  readonly healthy = true;
  readonly #limits: StoreLimits;
  readonly #entries = new Map<string, Entry>();
  readonly #keys = new Map<string, string>();

  constructor(limits: StoreLimits) {
    this.#limits = limits;
  }

  connect(): Promise<void> {
    return Promise.resolve();
  }

  // Async, so that a rule that is broken rejects like it does with a remote store.
  // eslint-disable-next-line @typescript-eslint/require-await
  async create({ id, subject, fingerprint, idempotencyKey }: NewOperation) {
    this.#expire();
    const key = idempotencyKey && JSON.stringify([subject, idempotencyKey]);
    const known = this.#entries.get((key && this.#keys.get(key)) ?? '');
    if (known) {
      if (known.fingerprint !== fingerprint) throw keyConflict();
      return { operation: known.operation, created: false };
    }
    if (this.#running(subject) >= this.#limits.maxRunning) {
      throw new AppError('too_many_operations');
    }
    this.#makeRoom();
    const operation: Operation = { id, subject, status: 'started', progress: 0 };
    const expiresAt = Date.now() + this.#limits.ttlSeconds * 1000;
    this.#entries.set(id, { operation, expiresAt, fingerprint, key });
    if (key) this.#keys.set(key, id);
    return { operation, created: true };
  }

  get(subject: string, id: string): Promise<Operation | undefined> {
    return Promise.resolve(this.#find(subject, id)?.operation);
  }

  update(subject: string, id: string, change: Change): Promise<Operation | undefined> {
    const entry = this.#find(subject, id);
    if (entry && !isTerminal(entry.operation.status)) {
      entry.operation = { ...entry.operation, ...change };
    }
    return Promise.resolve(entry?.operation);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #find(subject: string, id: string): Entry | undefined {
    this.#expire();
    const entry = this.#entries.get(id);
    return entry?.operation.subject === subject ? entry : undefined;
  }

  #running(subject: string): number {
    let running = 0;
    for (const { operation } of this.#entries.values()) {
      if (operation.subject === subject && !isTerminal(operation.status)) running += 1;
    }
    return running;
  }

  #expire(): void {
    const now = Date.now();
    for (const [id, entry] of this.#entries) {
      if (entry.expiresAt > now) return;
      this.#drop(id, entry);
    }
  }

  #makeRoom(): void {
    if (this.#entries.size < this.#limits.maxKept) return;
    for (const [id, entry] of this.#entries) {
      if (!isTerminal(entry.operation.status)) continue;
      this.#drop(id, entry);
      return;
    }
    throw new AppError('too_many_operations');
  }

  #drop(id: string, entry: Entry): void {
    this.#entries.delete(id);
    if (entry.key && this.#keys.get(entry.key) === id) this.#keys.delete(entry.key);
  }
}
