// The stdio transport line by line: what is read is answered, and no line ends the server.
import { PassThrough } from 'node:stream';

import { describe, expect, test } from 'vitest';

import { createApp } from '../../src/chassis/app.js';
import { readSettings } from '../../src/chassis/settings/settings.js';
import { splitLines } from '../../src/chassis/transports/lines.js';
import { serveStdio } from '../../src/chassis/transports/stdio.js';
import { fixture } from '../fixtures/server.js';
import { collectLogs } from '../support/app.js';

const INITIALIZE = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'tests', version: '1.0.0' },
  },
};

const call = (id: unknown, name: string, args: unknown) => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: args },
});

/** What the server says to these bytes, then to the end of its input. */
async function converse(input: string | Buffer, settings: Record<string, string> = {}) {
  const { logger, logs } = collectLogs();
  const app = await createApp(fixture, readSettings(fixture, settings), logger);
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  let text = '';
  stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  stdin.end(input);
  await serveStdio(app, new AbortController().signal, stdin, stdout);
  const answers = text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { answers, logs, to: (id: unknown) => answers.filter((answer) => answer['id'] === id) };
}

const lines = (...messages: (object | string)[]) =>
  messages.map((it) => (typeof it === 'string' ? it : JSON.stringify(it))).join('\n');

describe('the end of input', () => {
  test('comes after answers to all that was read, the last line without its newline too', async () => {
    const calls = [1, 2, 3].map((id) => call(id, 'echo', { text: `call ${String(id)}` }));
    const { answers, logs } = await converse(lines(INITIALIZE, ...calls));
    expect(answers.map(({ id }) => id).sort()).toEqual([0, 1, 2, 3]);
    expect(logs.map(({ event }) => event).filter((event) => event.startsWith('server.'))).toEqual([
      'server.started',
      'server.stopping',
      'server.stopped',
    ]);
  });
});

describe('a line', () => {
  test.each([
    ['that is not JSON', '{"jsonrpc": '],
    ['that is not UTF-8', Buffer.from([0xff, 0xfe])],
    ['that is a malformed notification', '{"jsonrpc": "2.0", "method": "x", "params": 5}'],
  ])('%s is logged only', async (_what, line) => {
    const around = [Buffer.from(`${lines(INITIALIZE)}\n`), Buffer.from(line), Buffer.from('\n')];
    const { answers, logs } = await converse(
      Buffer.concat([...around, Buffer.from(lines(call(1, 'echo', { text: 'alive' })))]),
    );
    expect(answers.map(({ id }) => id)).toEqual([0, 1]);
    expect(logs.filter(({ event }) => event === 'stdio.malformed_line')).toHaveLength(1);
  });

  test('that is too long is answered, and the next one is read', async () => {
    const { answers } = await converse(
      lines(INITIALIZE, 'x'.repeat(2000), call(1, 'echo', { text: 'alive' })),
      { MCP_MAX_BODY_BYTES: '1000' },
    );
    expect(answers).toMatchObject([
      { id: null, error: { code: -32600, data: { message: 'line is larger than allowed' } } },
      { id: 0 },
      { id: 1 },
    ]);
  });

  test('with a readable id gets an answer, whatever else is wrong with it', async () => {
    const { to, answers } = await converse(
      lines(
        INITIALIZE,
        '{"jsonrpc": "2.0", "id": 1, "method": 5}',
        '{"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": []}',
        '{"jsonrpc": "2.0", "id": 3, "method": "tools/list", "params": null, "extra": 1}',
        '{"jsonrpc": "2.0", "id": 9007199254740993, "method": "ping"}',
        '[]',
        '\r',
      ),
    );
    expect(to(1)).toMatchObject([{ error: { code: -32600 } }]);
    expect(to(2)).toMatchObject([{ error: { code: -32602, message: 'params must be an object' } }]);
    expect(to(3)).toMatchObject([{ result: {} }]);
    expect(to(null)).toHaveLength(2);
    expect(answers).toHaveLength(6);
  });

  test('that cancels nothing we know harms nobody', async () => {
    const cancel = (requestId: unknown) => ({
      jsonrpc: '2.0',
      method: 'notifications/cancelled',
      params: { requestId },
    });
    const { to } = await converse(
      lines(INITIALIZE, cancel({}), cancel([1]), cancel(null), call(1, 'echo', { text: 'alive' })),
    );
    expect(to(1)).toHaveLength(1);
  });

  test('may bring a key that JavaScript knows: no schema of ours allows it', async () => {
    const line = '{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "echo", ';
    const { to } = await converse(
      lines(INITIALIZE, `${line}"arguments": {"text": "a", "__proto__": 1}}}`),
    );
    expect(JSON.stringify(to(1))).toContain('__proto__ is not allowed');
  });
});

test('refusals are tool errors', async () => {
  const { to } = await converse(
    lines(INITIALIZE, call(1, 'echo', { text: 'a' }), call(2, 'echo', { text: 'b' })),
    { MCP_RATE_LIMIT_PER_MINUTE: '1', MCP_RATE_LIMIT_BURST: '1' },
  );
  expect(to(2)).toMatchObject([{ result: { isError: true } }]);
  expect(JSON.stringify(to(2))).toContain('rate_limited');
});

test('lines are put together from chunks', async () => {
  const input = new PassThrough();
  for (const chunk of ['one\ntw', 'o\r\n', '\n  \nthr', 'ee']) input.write(chunk);
  input.end();
  const found: (string | undefined)[] = [];
  for await (const line of splitLines(input, 100)) found.push(line?.toString());
  expect(found).toEqual(['one', 'two\r', 'three']);
});
