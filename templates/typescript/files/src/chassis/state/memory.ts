/** Operations of this process alone. */
import { AppError } from '../errors.js';
import {
  type Change,
  isTerminal,
  keyConflict,
  LEASE_SECONDS,
  type NewOperation,
  type Operation,
  type OperationStore,
  type StoreLimits,
} from './store.js';

interface Entry {
  operation: Operation;
  expiresAt: number;
  readonly fingerprint: string;
  readonly key: string | undefined;
}

/** Keeps operations in the order of their last change, so that the oldest of those that ended go first. */
export class MemoryStore implements OperationStore {
  readonly healthy = true;
  readonly #limits: StoreLimits;
  readonly #entries = new Map<string, Entry>();
  /** Idempotency keys live and die with their operations. */
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
    const running = this.#count((it) => it.subject === subject && !isTerminal(it.status));
    if (running >= this.#limits.maxRunning) throw new AppError('too_many_operations');
    const operation: Operation = { id, subject, status: 'started', progress: 0 };
    this.#keep(id, { operation, expiresAt: 0, fingerprint, key });
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
      this.#keep(id, entry);
      if (isTerminal(change.status)) this.#makeRoom(subject);
    }
    return Promise.resolve(entry?.operation);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #keep(id: string, entry: Entry): void {
    const { ttlSeconds } = this.#limits;
    const running = !isTerminal(entry.operation.status);
    const seconds = running ? Math.max(ttlSeconds, LEASE_SECONDS) : ttlSeconds;
    entry.expiresAt = Date.now() + seconds * 1000;
    this.#entries.delete(id);
    this.#entries.set(id, entry);
  }

  #find(subject: string, id: string): Entry | undefined {
    this.#expire();
    const entry = this.#entries.get(id);
    return entry?.operation.subject === subject ? entry : undefined;
  }

  #count(matches: (operation: Operation) => boolean): number {
    let count = 0;
    for (const { operation } of this.#entries.values()) if (matches(operation)) count += 1;
    return count;
  }

  #expire(): void {
    const now = Date.now();
    for (const [id, entry] of this.#entries) {
      if (entry.expiresAt <= now) this.#drop(id, entry);
    }
  }

  #makeRoom(subject: string): void {
    const { maxFinished, maxFinishedInAll } = this.#limits;
    const ended = (it: Operation) => isTerminal(it.status);
    const own = (it: Operation) => ended(it) && it.subject === subject;
    if (this.#count(own) > maxFinished) this.#dropFirst(own);
    else if (this.#count(ended) > maxFinishedInAll) this.#dropFirst(ended);
  }

  #dropFirst(matches: (operation: Operation) => boolean): void {
    for (const [id, entry] of this.#entries) {
      if (matches(entry.operation)) {
        this.#drop(id, entry);
        return;
      }
    }
  }

  #drop(id: string, entry: Entry): void {
    this.#entries.delete(id);
    if (entry.key && this.#keys.get(entry.key) === id) this.#keys.delete(entry.key);
  }
}
