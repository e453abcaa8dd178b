/** Where operations live: what every store can do. */
import { AppError } from '../errors.js';
import type { JsonObject } from '../json.js';

export const STATUSES = ['started', 'running', 'completed', 'failed', 'cancelled'] as const;
export type Status = (typeof STATUSES)[number];

/** A worker is heard of more often than this, or it is gone. */
export const LEASE_SECONDS = 15;

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
  /** Finished operations that are kept: of one subject, and in all. The oldest go; running ones never do. */
  readonly maxFinished: number;
  readonly maxFinishedInAll: number;
  /** From the last change. */
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
