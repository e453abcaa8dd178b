import { setTimeout as sleep } from 'node:timers/promises';

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { AppError } from '../../src/chassis/errors.js';
import { MemoryStore } from '../../src/chassis/state/memory.js';
import { Operations, type Work } from '../../src/chassis/state/operations.js';
import { silentLogger } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { LIMITS } from '../support/tools.js';

const operation = (id: string, subject = 'alice') => ({ id, subject, fingerprint: 'f' });

describe('the memory store', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  /** An operation that has ended. */
  async function finish(store: MemoryStore, id: string, subject = 'alice') {
    await store.create(operation(id, subject));
    await store.update(subject, id, { status: 'completed' });
  }

  test('forgets what did not change for its time to live, its key included', async () => {
    const store = new MemoryStore(LIMITS);
    await store.create({ ...operation('a'), idempotencyKey: 'k' });
    vi.advanceTimersByTime(59_000);
    await store.update('alice', 'a', { status: 'running' });
    vi.advanceTimersByTime(59_000);
    expect(await store.get('alice', 'a')).toBeDefined();
    vi.advanceTimersByTime(2000);
    expect(await store.get('alice', 'a')).toBeUndefined();
    const again = await store.create({ ...operation('b'), idempotencyKey: 'k' });
    expect(again.created).toBe(true);
  });

  test('keeps so many that ended, of one subject and in all, and every one that runs', async () => {
    const limits = { maxRunning: 9, maxFinished: 2, maxFinishedInAll: 3, ttlSeconds: 60 };
    const store = new MemoryStore(limits);
    await store.create(operation('running'));
    await finish(store, 'bob-1', 'bob');
    for (const id of ['a1', 'a2', 'a3']) await finish(store, id);
    expect(await store.get('alice', 'a1')).toBeUndefined();
    expect(await store.get('bob', 'bob-1')).toBeDefined();
    await finish(store, 'carol-1', 'carol');
    expect(await store.get('bob', 'bob-1')).toBeUndefined();
    for (const id of ['running', 'a2', 'a3']) {
      expect(await store.get('alice', id), id).toBeDefined();
    }
  });

  test('does not change an operation that has ended', async () => {
    const store = new MemoryStore(LIMITS);
    await store.create(operation('a'));
    await store.update('alice', 'a', { status: 'cancelled' });
    await store.update('alice', 'a', { status: 'running', progress: 0.5 });
    expect(await store.get('alice', 'a')).toMatchObject({ status: 'cancelled', progress: 0 });
  });
});

describe('operations', () => {
  const newOperations = (store = new MemoryStore(LIMITS)) => new Operations(store, silentLogger());
  const start = { subject: 'alice', args: {} };
  const long: Work = async ({ signal }) => {
    await sleep(60_000, undefined, { signal });
    return {};
  };
  const status = async (operations: Operations, id: string) =>
    (await operations.get('alice', id)).status;

  test('that fail read failed', async () => {
    const operations = newOperations();
    const { id } = await operations.start(start, () => Promise.reject(new Error('broken')));
    await eventually(async () => {
      expect(await status(operations, id)).toBe('failed');
    });
  });

  test('that a shutdown interrupts read failed', async () => {
    const operations = newOperations();
    const { id } = await operations.start(start, long);
    await operations.stop();
    expect(await status(operations, id)).toBe('failed');
  });

  test('are heard of in time however long a step takes, and stop when they were cancelled', async () => {
    vi.useFakeTimers({ toFake: ['setInterval'] });
    const store = new MemoryStore(LIMITS);
    const beats = vi.spyOn(store, 'update');
    const operations = newOperations(store);
    let stopped = false;
    const { id } = await operations.start(start, async (worker) => {
      await long(worker).catch(() => (stopped = true));
      return {};
    });
    await eventually(async () => {
      expect(await status(operations, id)).toBe('running');
    });
    beats.mockClear();
    vi.advanceTimersByTime(15_000);
    expect(beats.mock.calls.length).toBeGreaterThanOrEqual(2);
    await operations.cancel('alice', id);
    vi.advanceTimersByTime(5000);
    vi.useRealTimers();
    await eventually(() => {
      expect(stopped).toBe(true);
    });
    expect(await status(operations, id)).toBe('cancelled');
  });

  test('go on while the store is away', async () => {
    const store = new MemoryStore(LIMITS);
    const operations = newOperations(store);
    vi.spyOn(store, 'update').mockRejectedValueOnce(new AppError('dependency_unavailable'));
    const { id } = await operations.start(start, () => Promise.resolve({ done: true }));
    await eventually(async () => {
      expect(await status(operations, id)).toBe('completed');
    });
  });

  test('that a caller waits for report progress, until the caller gives up', async () => {
    const operations = newOperations();
    const { id } = await operations.start(start, long);
    const controller = new AbortController();
    const now = await operations.get('alice', id);
    const waiting = operations.changed(now, 20, controller.signal, () => Promise.resolve());
    controller.abort();
    await expect(waiting).rejects.toThrow(/abort/i);
    await operations.stop();
  });
});
