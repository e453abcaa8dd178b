// Real processes over stdio with the official client, and what is left of them on stdout.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { describe, expect, test } from 'vitest';

import { server as shipped } from '../../src/server.js';
import { type Era, newClient } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { cleanEnvironment, FIXTURE, SHIPPED } from '../support/process.js';

const ERAS: [string, Era][] = [
  ['2026-07-28', { pin: '2026-07-28' }],
  ['2025-11-25', 'legacy'],
  ['negotiated', 'auto'],
];

async function connect(args: string[], mode: Era) {
  const client = newClient(mode);
  const env = cleanEnvironment({ MCP_ENABLE_WRITES: 'true' });
  const options = { command: process.execPath, args, env, stderr: 'ignore' as const };
  await client.connect(new StdioClientTransport(options));
  return client;
}

describe.each(ERAS)('protocol %s', (_name, era) => {
  test('a client lists what is shipped', async () => {
    const client = await connect(SHIPPED, era);
    const { tools } = await client.listTools();
    const registered = shipped.tools.map(({ name }) => name);
    expect(registered).toEqual(expect.arrayContaining(tools.map(({ name }) => name)));
    await client.close();
  });

  test('a client calls a tool', async () => {
    const client = await connect(FIXTURE, era);
    const result = await client.callTool({ name: 'echo', arguments: { text: 'e2e' } });
    expect(result.structuredContent).toEqual({ text: 'e2e' });
    await client.close();
  });
});

describe('the process', () => {
  function start(settings: Record<string, string> = {}) {
    const child = spawn(process.execPath, SHIPPED, { env: cleanEnvironment(settings) });
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
    const exited = once(child, 'close') as Promise<[number | null]>;
    return { child, exited, stdout: () => stdout, stderr: () => stderr };
  }

  test('ends with stdin, and leaves nothing but the protocol on stdout', async () => {
    const { child, exited, stdout } = start({ MCP_LOG_LEVEL: 'DEBUG' });
    child.stdin.end('not JSON\n[]\n{"jsonrpc":"2.0","id":1,"method":"ping"}');
    expect((await exited)[0]).toBe(0);
    const ids = stdout()
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { jsonrpc: '2.0'; id: unknown }).id);
    expect(ids).toEqual([null, 1]);
  });

  test.skipIf(process.platform === 'win32').each(['SIGTERM', 'SIGINT'] as const)(
    'ends with %s, exit code 0',
    async (signal) => {
      const { child, exited, stderr } = start();
      await eventually(() => {
        expect(stderr()).toContain('server.started');
      });
      child.kill(signal);
      expect((await exited)[0]).toBe(0);
    },
  );
});
