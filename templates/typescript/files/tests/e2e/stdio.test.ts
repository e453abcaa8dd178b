// The real process over stdio: with the official client, and line by line.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';

import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterEach, describe, expect, test } from 'vitest';

import { type Era, newClient } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { cleanEnvironment } from '../support/process.js';

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
const INITIALIZED = { jsonrpc: '2.0', method: 'notifications/initialized' };

function callMessage(id: number, name: string, args: Record<string, unknown>) {
  return { jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } };
}

let child: ChildProcessWithoutNullStreams | undefined;
afterEach(() => {
  child?.kill('SIGKILL');
});

/** A server whose stdin and stdout are ours. */
function startRaw(settings: Record<string, string> = {}) {
  const process_ = spawn(process.execPath, ['dist/main.js'], { env: cleanEnvironment(settings) });
  child = process_;
  let stdout = '';
  let stderr = '';
  process_.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  process_.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const exited = once(process_, 'close') as Promise<[number | null]>;
  const messages = () =>
    stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return {
    send: (...lines: (object | string)[]) => {
      for (const line of lines) {
        process_.stdin.write(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`);
      }
    },
    messages,
    answer: (id: number) =>
      eventually(() => {
        const found = messages().find((message) => message['id'] === id);
        if (found === undefined) throw new Error(`no answer to ${id}: ${stdout}${stderr}`);
        return found;
      }),
    logged: (event: string) =>
      eventually(() => {
        if (!stderr.includes(`"${event}"`)) throw new Error(`no ${event}: ${stderr}`);
      }),
    end: () => process_.stdin.end(),
    kill: (signal: NodeJS.Signals) => process_.kill(signal),
    exitCode: async () => (await exited)[0],
  };
}

test.each<[string, Era]>([
  ['2026-07-28', { pin: '2026-07-28' }],
  ['2025-11-25', 'legacy'],
  ['negotiated', 'auto'],
])('a client of protocol %s uses the server', async (_name, era) => {
  const client = newClient(era);
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: ['dist/main.js'],
    env: cleanEnvironment({ MCP_ENABLE_WRITES: 'true' }),
    stderr: 'ignore',
  });
  await client.connect(transport);
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name)).toContain('start_operation');
  const result = await client.callTool({ name: 'process_text', arguments: { text: 'e2e' } });
  expect(result.structuredContent).toMatchObject({ result: 'e2e' });
  await client.close();
});

describe('line by line', () => {
  test('the end of stdin is exit code 0, and what was read before is answered', async () => {
    const server = startRaw();
    const calls = [1, 2, 3].map((id) => callMessage(id, 'process_text', { text: `call ${id}` }));
    server.send(INITIALIZE, INITIALIZED, ...calls);
    server.end();
    expect(await server.exitCode()).toBe(0);
    expect(server.messages().map(({ id }) => id)).toEqual(expect.arrayContaining([0, 1, 2, 3]));
  });

  test('a malformed line is survived, and nothing but the protocol is on stdout', async () => {
    const server = startRaw({ MCP_LOG_LEVEL: 'DEBUG' });
    server.send(INITIALIZE, INITIALIZED, '{"jsonrpc": "2.0", ', 'not JSON', '[]', 'null', '');
    server.send(callMessage(7, 'process_text', { text: 'alive' }));
    expect(await server.answer(7)).toMatchObject({
      result: { structuredContent: { result: 'alive' } },
    });
    for (const message of server.messages()) expect(message['jsonrpc']).toBe('2.0');
    server.end();
    expect(await server.exitCode()).toBe(0);
  });

  test('refusals are tool errors', async () => {
    const server = startRaw({ MCP_RATE_LIMIT_PER_MINUTE: '1', MCP_RATE_LIMIT_BURST: '1' });
    server.send(INITIALIZE, INITIALIZED);
    server.send(callMessage(1, 'process_text', { text: 'a' }));
    await server.answer(1);
    server.send(callMessage(2, 'process_text', { text: 'b' }));
    const { result } = await server.answer(2);
    expect(result).toMatchObject({ isError: true });
    const { content } = result as { content: { text: string }[] };
    expect(JSON.parse(content[0]?.text ?? '')).toMatchObject({
      error: { code: 'rate_limited', category: 'client_error' },
    });
  });

  test.skipIf(process.platform === 'win32').each(['SIGTERM', 'SIGINT'] as const)(
    '%s is exit code 0',
    async (signal) => {
      const server = startRaw();
      server.send(INITIALIZE, INITIALIZED);
      await server.answer(0);
      await server.logged('server.started');
      server.kill(signal);
      expect(await server.exitCode()).toBe(0);
    },
  );
});
