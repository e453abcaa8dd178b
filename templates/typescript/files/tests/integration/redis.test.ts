// Replicas that share operations and rate limits through a real Redis, and what happens without it.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { serve, type TestServer } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { hasRedis, startRedis } from '../support/redis.js';
import { content, envelope, post, toolCall } from '../support/rpc.js';
import { skippedBecause } from '../support/skip.js';

const skipped = !hasRedis && skippedBecause('shared state: install redis-server to test it');
const LONG = { steps: 100, step_milliseconds: 1000 };

describe.skipIf(skipped)('with Redis', () => {
  let redis: Awaited<ReturnType<typeof startRedis>>;
  let replicas: TestServer[];

  async function newReplica(settings: Record<string, string> = {}): Promise<TestServer> {
    const replica = await serve({
      MCP_ENABLE_WRITES: 'true',
      MCP_STATE_URL: redis.url,
      MCP_SHUTDOWN_GRACE_SECONDS: '1',
      ...settings,
    });
    replicas.push(replica);
    await eventually(async () => {
      expect((await fetch(`${replica.url}/ready`)).status).toBe(200);
    });
    return replica;
  }

  beforeEach(async () => {
    redis = await startRedis();
    replicas = [];
  });
  afterEach(async () => {
    for (const replica of replicas) await replica.stop();
    await redis.stop();
  });

  const call = async ({ url }: TestServer, name: string, args: Record<string, unknown> = {}) =>
    post(url, toolCall(name, args));
  const start = async (replica: TestServer, args: Record<string, unknown>) =>
    content(await call(replica, 'start_operation', args));

  test('another replica answers for an operation, and can cancel it', async () => {
    const [first, second] = [await newReplica(), await newReplica()];
    const { operation_id } = await start(first, LONG);
    const check = await call(second, 'check_operation_status', { operation_id });
    expect(content(check)).toMatchObject({ operation_id, progress: expect.any(Number) as number });

    const cancelled = await call(second, 'cancel_operation', { operation_id });
    expect(content(cancelled)).toEqual({ operation_id, status: 'cancelled' });
    const after = await call(first, 'check_operation_status', { operation_id });
    expect(content(after)).toMatchObject({ status: 'cancelled' });
  });

  test('an idempotency key holds across replicas', async () => {
    const [first, second] = [await newReplica(), await newReplica()];
    const args = { ...LONG, idempotency_key: 'key-1' };
    const { operation_id } = await start(first, args);
    expect(await start(second, args)).toMatchObject({ operation_id });
    const conflict = await call(second, 'start_operation', { ...args, steps: 99 });
    expect(envelope(conflict)).toMatchObject({ code: 'state_conflict' });
  });

  test('the number of running operations is counted across replicas', async () => {
    const limit = { MCP_MAX_OPERATIONS: '2' };
    const [first, second] = [await newReplica(limit), await newReplica(limit)];
    const { operation_id } = await start(first, LONG);
    await start(second, LONG);
    const third = await call(second, 'start_operation', LONG);
    expect(envelope(third)).toMatchObject({ code: 'too_many_operations' });
    await call(second, 'cancel_operation', { operation_id });
    expect(await start(second, LONG)).toMatchObject({ status: 'started' });
  });

  test('a restart loses no operation that finished, and marks the running ones failed', async () => {
    const first = await newReplica();
    const done = await start(first, { steps: 2, step_milliseconds: 0 });
    const running = await start(first, LONG);
    await eventually(async () => {
      const check = await call(first, 'check_operation_status', {
        operation_id: done['operation_id'],
      });
      expect(content(check)['status']).toBe('completed');
    });
    await first.stop();
    replicas = [];

    const next = await newReplica();
    const check = async (operation: Record<string, unknown>) => {
      const { operation_id } = operation;
      return content(await call(next, 'check_operation_status', { operation_id }));
    };
    expect(await check(done)).toMatchObject({
      status: 'completed',
      result: { steps_completed: 2 },
    });
    expect(await check(running)).toMatchObject({ status: 'failed' });
  });

  test('a rate limit is shared', async () => {
    const limit = { MCP_RATE_LIMIT_PER_MINUTE: '1', MCP_RATE_LIMIT_BURST: '2' };
    const [first, second] = [await newReplica(limit), await newReplica(limit)];
    const text = { text: 'words' };
    expect((await call(first, 'process_text', text)).status).toBe(200);
    expect((await call(second, 'process_text', text)).status).toBe(200);
    expect((await call(first, 'process_text', text)).status).toBe(429);
    expect((await call(second, 'process_text', text)).status).toBe(429);
  });

  test('when Redis goes away the rest goes on, and all comes back by itself', async () => {
    const replica = await newReplica();
    const health = async () => {
      const response = await fetch(`${replica.url}/health`);
      return (await response.json()) as { status: string; checks: Record<string, string> };
    };
    await redis.stop();
    const refused = await call(replica, 'start_operation', LONG);
    expect(envelope(refused)).toMatchObject({
      code: 'dependency_unavailable',
      message: 'state is unavailable',
    });
    expect((await call(replica, 'process_text', { text: 'words' })).status).toBe(200);
    expect((await fetch(`${replica.url}/ready`)).status).toBe(200);
    expect(await health()).toMatchObject({ status: 'degraded', checks: { state: 'degraded' } });

    redis = await startRedis(redis.port);
    await eventually(async () => {
      expect((await health()).status).toBe('healthy');
    });
    expect(await start(replica, { steps: 1, step_milliseconds: 0 })).toMatchObject({
      status: 'started',
    });
  });

  test('a server that never reached Redis is not ready', async () => {
    await redis.stop();
    const replica = await serve({ MCP_STATE_URL: redis.url });
    replicas.push(replica);
    const response = await fetch(`${replica.url}/ready`);
    expect([response.status, await response.json()]).toEqual([503, { status: 'starting' }]);
    redis = await startRedis(redis.port);
    await eventually(async () => {
      expect((await fetch(`${replica.url}/ready`)).status).toBe(200);
    });
  });
});
