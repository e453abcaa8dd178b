/** Operations and rate limits that replicas share: each change is one atomic script in Redis. */
import { createHash } from 'node:crypto';

import { AppError } from '../errors.js';
import type { JsonObject } from '../json.js';
import type { BucketSize, RateLimiter } from '../limits.js';
import { NAME } from '../package.js';
import { type RedisConnection, Script } from './connection.js';
import {
  type Change,
  isTerminal,
  keyConflict,
  LEASE_SECONDS,
  type NewOperation,
  type Operation,
  type OperationStore,
  type Status,
  type StoreLimits,
} from './store.js';

/** The braces keep all keys in one slot of a cluster. */
const PREFIX = `{${NAME}}:`;

const CREATE = Script.load('create');
const TOUCH = Script.load('touch');
const TAKE = Script.load('take');

export class RedisStore implements OperationStore {
  readonly #redis: RedisConnection;
  readonly #limits: StoreLimits;

  constructor(redis: RedisConnection, limits: StoreLimits) {
    this.#redis = redis;
    this.#limits = limits;
  }

  get healthy(): boolean {
    return this.#redis.healthy;
  }

  connect(): Promise<void> {
    return this.#redis.connect();
  }

  async create({ id, subject, fingerprint, idempotencyKey = '' }: NewOperation) {
    const { maxRunning, ttlSeconds } = this.#limits;
    const answer = await this.#redis.run(
      CREATE,
      [PREFIX],
      [
        PREFIX,
        id,
        digest(subject),
        fingerprint,
        idempotencyKey && digest(`${subject}\n${idempotencyKey}`),
        maxRunning,
        ttlSeconds,
        LEASE_SECONDS,
      ],
    );
    if (answer === 'conflict') throw keyConflict();
    if (answer === 'too_many') throw new AppError('too_many_operations');
    const operation: Operation = { id, subject, status: 'started', progress: 0 };
    if (answer === id) return { operation, created: true };
    const known = await this.get(subject, String(answer));
    return { operation: known ?? { ...operation, id: String(answer) }, created: false };
  }

  get(subject: string, id: string): Promise<Operation | undefined> {
    return this.#touch(subject, id);
  }

  update(subject: string, id: string, change: Change): Promise<Operation | undefined> {
    return this.#touch(subject, id, change);
  }

  close(): Promise<void> {
    return this.#redis.close();
  }

  async #touch(subject: string, id: string, change?: Change): Promise<Operation | undefined> {
    const { ttlSeconds, maxFinished, maxFinishedInAll } = this.#limits;
    const found = await this.#redis.run(
      TOUCH,
      [PREFIX],
      [
        PREFIX,
        id,
        digest(subject),
        LEASE_SECONDS,
        change?.status ?? '',
        change?.progress ?? '',
        change?.result ? JSON.stringify(change.result) : '',
        change && isTerminal(change.status) ? 1 : 0,
        ttlSeconds,
        maxFinished,
        maxFinishedInAll,
      ],
    );
    if (!Array.isArray(found)) return undefined;
    const [status, progress, result] = found as [Status, string, string | null];
    return {
      id,
      subject,
      status,
      progress: Number(progress),
      ...(result && { result: JSON.parse(result) as JsonObject }),
    };
  }
}

/** Token buckets shared by replicas; while Redis is away each process falls back to its own. */
export class RedisTokenBuckets implements RateLimiter {
  readonly #redis: RedisConnection;
  readonly #size: BucketSize;
  readonly #fallback: RateLimiter;

  constructor(redis: RedisConnection, size: BucketSize, fallback: RateLimiter) {
    this.#redis = redis;
    this.#size = size;
    this.#fallback = fallback;
  }

  async take(key: string): Promise<number> {
    if (!this.#redis.healthy) return this.#fallback.take(key);
    const { perMinute, burst } = this.#size;
    try {
      const bucket = `${PREFIX}rate:${digest(key)}`;
      return Number(await this.#redis.run(TAKE, [bucket], [perMinute / 60, burst]));
    } catch {
      return this.#fallback.take(key);
    }
  }
}

/** Keys hold nothing that a caller sent: no subject, no address, no idempotency key. */
function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
