// The real process over HTTP with the official client, from start to SIGTERM.
import { afterEach, describe, expect, test } from 'vitest';

import { connectHttp, type Era } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { type ServerProcess, startServer } from '../support/process.js';
import { createIssuer } from '../support/tokens.js';

const ERAS: [string, Era][] = [
  ['2026-07-28', { pin: '2026-07-28' }],
  ['2025-11-25', 'legacy'],
  ['negotiated', 'auto'],
];
// Windows knows no SIGTERM: there the process is ended at once.
const STOPS = process.platform === 'win32' ? null : 0;

let server: ServerProcess | undefined;
afterEach(async () => {
  await server?.stop('SIGKILL');
});

describe.each(ERAS)('protocol %s', (_name, era) => {
  test('a client with a token uses the server, one without does not', async () => {
    const issuer = await createIssuer();
    server = await startServer({ ...issuer.settings, MCP_ENABLE_WRITES: 'true' });
    const client = await connectHttp(server.url, era, await issuer.token());
    const { tools } = await client.listTools();
    expect(tools.length).toBeGreaterThan(1);
    const result = await client.callTool({ name: 'process_text', arguments: { text: 'e2e' } });
    expect(result.structuredContent).toMatchObject({ result: 'e2e' });
    await client.close();

    await expect(connectHttp(server.url, era)).rejects.toThrow();
    expect(await server.stop()).toBe(STOPS);
    expect(server.stdout()).toBe('');
  });
});

test.skipIf(process.platform === 'win32')(
  'SIGTERM: not ready but serving, running calls finish, exit code 0',
  async () => {
    server = await startServer({ MCP_ENABLE_WRITES: 'true', MCP_SHUTDOWN_DELAY_SECONDS: '2' });
    const client = await connectHttp(server.url);
    const started = await client.callTool({
      name: 'start_operation',
      arguments: { steps: 10, step_milliseconds: 100 },
    });
    const { operation_id } = started.structuredContent as Record<string, string>;
    const check = (wait_seconds: number) =>
      client.callTool({
        name: 'check_operation_status',
        arguments: { operation_id, wait_seconds },
      });
    await eventually(async () => {
      expect((await check(0)).structuredContent).toMatchObject({ status: 'running' });
    });
    const waiting = check(10);

    const stopped = server.stop('SIGTERM');
    await server.logged('server.stopping');
    expect((await fetch(`${server.url}/ready`)).status).toBe(503);
    expect((await waiting).structuredContent).toMatchObject({ status: 'completed' });
    expect(await stopped).toBe(0);
    expect(server.logs.at(-1)).toMatchObject({ event: 'server.stopped' });
  },
);
