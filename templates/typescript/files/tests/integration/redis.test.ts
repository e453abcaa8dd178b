// Replicas that share operations and rate limits through a real Redis, and what happens without it.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { createMetrics } from '../../src/chassis/observability/metrics.js';
import { TokenBuckets } from '../../src/chassis/limits.js';
import { Secret } from '../../src/chassis/settings/secrets.js';
import { RedisConnection } from '../../src/chassis/state/connection.js';
import { Operations, type Work } from '../../src/chassis/state/operations.js';
import { RedisStore, RedisTokenBuckets } from '../../src/chassis/state/redis.js';
import { serve, silentLogger } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { hasRedis, startRedis } from '../support/redis.js';
import { post, toolCall } from '../support/rpc.js';
import { skippedBecause } from '../support/skip.js';
import { failure } from '../support/tools.js';

const skipped = !hasRedis && skippedBecause('shared state: install redis-server to test it');
const LIMITS = { maxRunning: 2, maxFinished: 2, maxFinishedInAll: 3, ttlSeconds: 60 };

describe.skipIf(skipped)('with Redis', () => {
  let redis: Awaited<ReturnType<typeof startRedis>>;
  let replicas: { operations: Operations; store: RedisStore; connection: RedisConnection }[];

  async function newReplica(limits: Partial<typeof LIMITS> = {}) {
    const url = Secret.of('MCP_STATE_URL', redis.url);
    const connection = new RedisConnection(url, createMetrics(), silentLogger());
    const store = new RedisStore(connection, { ...LIMITS, ...limits });
    await store.connect();
    const replica = { operations: new Operations(store, silentLogger()), store, connection };
    replicas.push(replica);
    return replica;
  }

  beforeEach(async () => {
    redis = await startRedis();
    replicas = [];
  });
  afterEach(async () => {
    for (const { operations, store } of replicas) {
      await operations.stop().catch(() => undefined);
      await store.close();
    }
    await redis.stop();
  });

  const start = { subject: 'alice', args: { steps: 1 } };
  const forEver: Work = ({ signal }) =>
    new Promise((_, reject) => {
      signal.addEventListener('abort', () => {
        reject(new Error('stopped'));
      });
    });

  test('another replica answers for an operation, and can cancel it', async () => {
    const [first, second] = [await newReplica(), await newReplica()];
    const { id } = await first.operations.start(start, forEver);
    expect(await second.operations.get('alice', id)).toMatchObject({ id });
    expect((await failure(second.operations.get('bob', id))).code).toBe('operation_not_found');
    expect(await second.operations.cancel('alice', id)).toMatchObject({ status: 'cancelled' });
    expect(await first.operations.get('alice', id)).toMatchObject({ status: 'cancelled' });
  });

  test('an idempotency key holds across replicas, as long as its operation', async () => {
    const [first, second] = [await newReplica(), await newReplica({ ttlSeconds: 1 })];
    const keyed = { ...start, idempotencyKey: 'key-1' };
    const { id } = await first.operations.start(keyed, forEver);
    expect(await second.operations.start(keyed, forEver)).toMatchObject({ id });
    const other = second.operations.start({ ...keyed, args: { steps: 2 } }, forEver);
    expect((await failure(other)).code).toBe('state_conflict');
    await second.operations.cancel('alice', id);
    await eventually(async () => {
      expect((await second.operations.start(keyed, forEver)).id).not.toBe(id);
    });
  });

  test('running operations are counted across replicas, finished ones make room', async () => {
    const [first, second] = [await newReplica(), await newReplica()];
    const { id } = await first.operations.start(start, forEver);
    await second.operations.start(start, forEver);
    const third = second.operations.start(start, forEver);
    expect((await failure(third)).code).toBe('too_many_operations');
    await second.operations.cancel('alice', id);
    expect(await second.operations.start(start, forEver)).toMatchObject({ status: 'started' });
  });

  test('so many that ended are kept, of one subject and in all, and every one that runs', async () => {
    const { operations, store } = await newReplica();
    const ids: Record<string, string> = {};
    const finish = async (name: string, subject: string) => {
      const { id } = await operations.start({ ...start, subject }, forEver);
      ids[name] = id;
      await operations.cancel(subject, id);
    };
    const running = await operations.start(start, forEver);
    await finish('bob-1', 'bob');
    for (const name of ['a1', 'a2', 'a3']) await finish(name, 'alice');
    const kept = async (name: string, subject: string) =>
      (await store.get(subject, ids[name] ?? '')) !== undefined;
    expect([await kept('a1', 'alice'), await kept('a3', 'alice')]).toEqual([false, true]);
    expect(await kept('bob-1', 'bob')).toBe(true);
    await finish('carol-1', 'carol');
    expect(await kept('bob-1', 'bob')).toBe(false);
    expect(await store.get('alice', running.id)).toBeDefined();
  });

  test('a restart loses no operation that finished, and marks the running ones failed', async () => {
    const first = await newReplica();
    const done = await first.operations.start(start, () => Promise.resolve({ done: true }));
    const running = await first.operations.start(start, forEver);
    await eventually(async () => {
      const now = await first.operations.get('alice', done.id);
      expect(now.status).toBe('completed');
    });
    await first.operations.stop();
    const next = await newReplica();
    const { status, result } = await next.operations.get('alice', done.id);
    expect([status, result]).toEqual(['completed', { done: true }]);
    expect(await next.operations.get('alice', running.id)).toMatchObject({ status: 'failed' });
  });

  test('a rate limit is shared', async () => {
    const size = { perMinute: 1, burst: 2 };
    const [first, second] = [await newReplica(), await newReplica()].map(
      ({ connection }) => new RedisTokenBuckets(connection, size, new TokenBuckets(size)),
    );
    expect(await first?.take('alice')).toBe(0);
    expect(await second?.take('alice')).toBe(0);
    expect(await first?.take('alice')).toBeGreaterThan(30);
    expect(await second?.take('bob')).toBe(0);
  });

  test('when Redis goes away the rest goes on, and all comes back by itself', async () => {
    const server = await serve({ MCP_STATE_URL: redis.url });
    const get = async (path: string) => (await fetch(server.url + path)).json();
    await eventually(async () => {
      expect(await get('/ready')).toEqual({ status: 'ready' });
    });
    const replica = await newReplica();
    await redis.stop();
    const refused = await failure(replica.operations.start(start, forEver));
    expect([refused.code, refused.message]).toEqual([
      'dependency_unavailable',
      'state is unavailable',
    ]);
    expect((await post(server.url, toolCall('echo', { text: 'words' }))).status).toBe(200);
    expect(await get('/ready')).toEqual({ status: 'ready' });
    await eventually(async () => {
      expect(await get('/health')).toMatchObject({ checks: { state: 'degraded' } });
    });
    redis = await startRedis(redis.port);
    await eventually(async () => {
      expect(await get('/health')).toMatchObject({ status: 'healthy' });
      expect(await replica.operations.start(start, forEver)).toMatchObject({ status: 'started' });
    });
  });

  test('a Redis that refuses to write is not healthy, though it can be read', async () => {
    const { connection, store } = await newReplica();
    await redis.command('config', 'set', 'maxmemory', '1');
    await eventually(() => {
      expect(connection.healthy).toBe(false);
    });
    for (let read = 0; read < 3; read += 1) {
      await store.get('alice', 'x').catch(() => undefined);
      expect(connection.healthy).toBe(false);
    }
  });

  test('a server that never reached Redis is not ready', async () => {
    await redis.stop();
    const { url } = await serve({ MCP_STATE_URL: redis.url });
    const response = await fetch(`${url}/ready`);
    expect([response.status, await response.json()]).toEqual([503, { status: 'starting' }]);
    redis = await startRedis(redis.port);
    await eventually(async () => {
      expect((await fetch(`${url}/ready`)).status).toBe(200);
    });
  });
});
