/** Operations and rate limits that replicas share: each change is one atomic script in Redis. */
import { createHash } from 'node:crypto';

import { AppError } from './errors.js';
import type { JsonObject } from './json.js';
import type { BucketSize, RateLimiter } from './limits.js';
import { NAME } from './package.js';
import { type RedisConnection, Script } from './redis.js';
import type {
  Change,
  NewOperation,
  Operation,
  OperationStore,
  Status,
  StoreLimits,
} from './state.js';
import { isTerminal, keyConflict } from './state.js';

/** A worker reports at least every second; one that is silent for this long is gone. */
const LEASE_SECONDS = 15;
/** The braces keep all keys in one slot of a cluster. */
const PREFIX = `{${NAME}}:`;

const CREATE = new Script(`
local prefix, id, owner, fingerprint, key, limit, kept, ttl, lease = unpack(ARGV)
local now = tonumber(redis.call('TIME')[1])
local key_name = prefix .. 'key:' .. key
if key ~= '' then
  local seen = redis.call('HMGET', key_name, 'id', 'fingerprint')
  if seen[1] and redis.call('EXISTS', prefix .. 'op:' .. seen[1]) == 1 then
    if seen[2] ~= fingerprint then return 'conflict' end
    return seen[1]
  end
end
local running = prefix .. 'running:' .. owner
redis.call('ZREMRANGEBYSCORE', running, '-inf', now - lease)
if redis.call('ZCARD', running) >= tonumber(limit) then return 'too_many' end
local all = prefix .. 'all'
redis.call('ZREMRANGEBYSCORE', all, '-inf', now - ttl)
if redis.call('ZCARD', all) >= tonumber(kept) then
  redis.call('DEL', prefix .. 'op:' .. redis.call('ZPOPMIN', all)[1])
end
local op = prefix .. 'op:' .. id
redis.call('HSET', op, 'owner', owner, 'status', 'started', 'progress', '0', 'beat', now)
redis.call('EXPIRE', op, ttl)
redis.call('ZADD', all, now, id)
redis.call('EXPIRE', all, ttl)
redis.call('ZADD', running, now, id)
redis.call('EXPIRE', running, ttl)
if key ~= '' then
  redis.call('HSET', key_name, 'id', id, 'fingerprint', fingerprint)
  redis.call('EXPIRE', key_name, ttl)
end
return id
`);

/** Without a new status it only reads; a silent worker's operation becomes \`failed\` either way. */
const TOUCH = new Script(`
local prefix, id, owner, lease, status, progress, result, terminal, ttl = unpack(ARGV)
local op = prefix .. 'op:' .. id
local found = redis.call('HMGET', op, 'owner', 'status', 'progress', 'result', 'beat')
if found[1] ~= owner then return false end
local now = tonumber(redis.call('TIME')[1])
local open = found[2] == 'started' or found[2] == 'running'
local running = prefix .. 'running:' .. owner
if open and tonumber(found[5]) < now - lease then
  redis.call('HSET', op, 'status', 'failed')
  redis.call('ZREM', running, id)
  found[2] = 'failed'
elseif open and status ~= '' then
  if progress == '' then progress = found[3] end
  redis.call('HSET', op, 'status', status, 'progress', progress, 'result', result, 'beat', now)
  redis.call('EXPIRE', op, ttl)
  if terminal == '1' then redis.call('ZREM', running, id) else redis.call('ZADD', running, now, id) end
  found[2], found[3], found[4] = status, progress, result
end
return {found[2], found[3], found[4]}
`);

const TAKE = new Script(`
local rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local bucket = redis.call('HMGET', KEYS[1], 'tokens', 'updated')
local tokens, updated = tonumber(bucket[1] or burst), tonumber(bucket[2] or now)
tokens = math.min(burst, tokens + math.max(0, now - updated) * rate)
local wait = 0
if tokens >= 1 then tokens = tokens - 1 else wait = (1 - tokens) / rate end
redis.call('HSET', KEYS[1], 'tokens', tostring(tokens), 'updated', string.format('%.6f', now))
redis.call('EXPIRE', KEYS[1], math.ceil(burst / rate) + 60)
return tostring(wait)
`);

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
    const { maxRunning, maxKept, ttlSeconds } = this.#limits;
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
        maxKept,
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
        this.#limits.ttlSeconds,
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
