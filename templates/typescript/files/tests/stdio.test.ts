import { once } from 'node:events';

import { describe, expect, test } from 'vitest';

import { LineLimit, PendingRequests } from '../src/stdio.js';
import { silentLogger } from './support/logger.js';

describe('lines of stdin', () => {
  async function pass(maxBytes: number, ...chunks: string[]): Promise<string> {
    const lines = new LineLimit(maxBytes, silentLogger());
    let text = '';
    lines.setEncoding('utf8').on('data', (line: string) => (text += line));
    for (const chunk of chunks) lines.write(chunk);
    lines.end();
    await once(lines, 'end');
    return text;
  }

  test('are put together from chunks', async () => {
    expect(await pass(100, 'one\ntw', 'o\n', 'thr', 'ee\n')).toBe('one\ntwo\nthree\n');
  });

  test('that are too long are dropped, wherever chunks end; those after them are not', async () => {
    const long = 'x'.repeat(20);
    expect(await pass(10, `a\n${long}\nb\n`)).toBe('a\nb\n');
    expect(await pass(10, 'a\n', long, long, `${long}\nb\n`)).toBe('a\nb\n');
    expect(await pass(10, long)).toBe('');
  });
});

describe('requests that wait for an answer', () => {
  /** Whether the promise has been kept by now. */
  async function isKept(promise: Promise<void>): Promise<boolean> {
    return Promise.race([promise.then(() => true), Promise.resolve(false)]);
  }
  const request = (id: number | string) => ({ jsonrpc: '2.0', id, method: 'tools/list' });

  test('are those received and neither answered nor cancelled', async () => {
    const pending = new PendingRequests();
    pending.received(request(1));
    pending.received(request('two'));
    pending.received(request(3));
    const none = pending.none();
    pending.sent({ jsonrpc: '2.0', id: 1, result: {} });
    pending.sent({ jsonrpc: '2.0', id: 'two', error: { code: -32602, message: '' } });
    expect(await isKept(none)).toBe(false);
    const params = { requestId: 3 };
    pending.received({ jsonrpc: '2.0', method: 'notifications/cancelled', params });
    await expect(none).resolves.toBeUndefined();
  });

  test('are not notifications, answers to us, or what is no message', async () => {
    const pending = new PendingRequests();
    pending.received({ jsonrpc: '2.0', method: 'notifications/initialized' });
    pending.received({ jsonrpc: '2.0', id: 1, result: {} });
    pending.received('text');
    await expect(pending.none()).resolves.toBeUndefined();
    pending.received(request(1));
    pending.sent({ jsonrpc: '2.0', method: 'notifications/progress', params: {} });
    pending.sent(null);
    expect(await isKept(pending.none())).toBe(false);
  });
});
