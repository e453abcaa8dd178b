import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { Bulkhead, BulkheadFullError, TokenBuckets, Waits } from '../../src/chassis/limits.js';

const never = () => new AbortController().signal;

describe('token buckets', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('let a burst through, then tell when the next token is there', async () => {
    const buckets = new TokenBuckets({ perMinute: 60, burst: 2 });
    expect(await buckets.take('alice')).toBe(0);
    expect(await buckets.take('alice')).toBe(0);
    expect(await buckets.take('alice')).toBeCloseTo(1);
    vi.advanceTimersByTime(600);
    expect(await buckets.take('alice')).toBeCloseTo(0.4);
    vi.advanceTimersByTime(400);
    expect(await buckets.take('alice')).toBe(0);
  });

  test('are one per caller, and never hold more than a burst', async () => {
    const buckets = new TokenBuckets({ perMinute: 60, burst: 1 });
    expect(await buckets.take('alice')).toBe(0);
    expect(await buckets.take('bob')).toBe(0);
    vi.advanceTimersByTime(3_600_000);
    expect(await buckets.take('alice')).toBe(0);
    expect(await buckets.take('alice')).toBeGreaterThan(0);
  });

  test('are bounded in number: the one used longest ago goes first', async () => {
    const buckets = new TokenBuckets({ perMinute: 1, burst: 1 });
    await buckets.take('first');
    for (let caller = 0; caller < 10_000; caller++) await buckets.take(`caller-${caller}`);
    expect(await buckets.take('caller-9999')).toBeGreaterThan(0);
    expect(await buckets.take('first')).toBe(0);
  });
});

describe('the bulkhead', () => {
  test('runs so many at once, queues so many and refuses the rest at once', async () => {
    const bulkhead = new Bulkhead(1, 1);
    const leave = await bulkhead.enter('a', never());
    const order: string[] = [];
    const second = bulkhead.enter('a', never()).then((leaveSecond) => {
      order.push('second');
      leaveSecond();
    });
    await expect(bulkhead.enter('b', never())).rejects.toBeInstanceOf(BulkheadFullError);
    order.push('first leaves');
    leave();
    await second;
    expect(order).toEqual(['first leaves', 'second']);
  });

  test('lets callers in by turns, and gives one of them half of the queue at most', async () => {
    const bulkhead = new Bulkhead(1, 6);
    const leave = await bulkhead.enter('flood', never());
    const order: string[] = [];
    const call = (caller: string) =>
      bulkhead.enter(caller, never()).then((next) => {
        order.push(caller);
        next();
      });
    const calls = ['flood', 'flood', 'flood'].map(call);
    await expect(bulkhead.enter('flood', never())).rejects.toBeInstanceOf(BulkheadFullError);
    calls.push(call('bob'), call('carol'));
    leave();
    await Promise.all(calls);
    expect(order).toEqual(['flood', 'bob', 'carol', 'flood', 'flood']);
  });

  test('lets back in who was in before, whatever the queue holds', async () => {
    const bulkhead = new Bulkhead(1, 0);
    const leave = await bulkhead.enter('a', never());
    const back = bulkhead.enter('b', never(), true);
    leave();
    await expect(back).resolves.toBeInstanceOf(Function);
  });

  test('gives a place back once, however often it is asked', async () => {
    const bulkhead = new Bulkhead(1, 0);
    const leave = await bulkhead.enter('a', never());
    leave();
    leave();
    await bulkhead.enter('a', never());
    await expect(bulkhead.enter('a', never())).rejects.toBeInstanceOf(BulkheadFullError);
  });

  test('forgets who gave up waiting', async () => {
    const queued = { set: vi.fn() };
    const bulkhead = new Bulkhead(1, 1, queued);
    const leave = await bulkhead.enter('a', never());
    const controller = new AbortController();
    const waiting = bulkhead.enter('a', controller.signal);
    expect(queued.set).toHaveBeenLastCalledWith(1);
    controller.abort(new Error('gave up'));
    await expect(waiting).rejects.toThrow('gave up');
    leave();
    expect(queued.set).toHaveBeenLastCalledWith(0);
    const late = AbortSignal.abort(new Error('too late'));
    await expect(bulkhead.enter('a', late)).rejects.toThrow('too late');
  });
});

test('waits are bounded, of one caller and in all', () => {
  const waits = new Waits(1, 2);
  const end = waits.begin('alice');
  expect(end).toBeDefined();
  expect(waits.begin('alice')).toBeUndefined();
  expect(waits.begin('bob')).toBeDefined();
  expect(waits.begin('carol')).toBeUndefined();
  end?.();
  expect(waits.begin('alice')).toBeDefined();
});
