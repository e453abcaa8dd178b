// Real processes over HTTP with the official client, from start to SIGTERM.
import { setTimeout as sleep } from 'node:timers/promises';

import { afterEach, describe, expect, test } from 'vitest';

import { server as shipped } from '../../src/server.js';
import { connectHttp, type Era } from '../support/client.js';
import { eventually } from '../support/eventually.js';
import { FIXTURE, type ServerProcess, startServer } from '../support/process.js';
import { createIssuer } from '../support/tokens.js';

const ERAS: [string, Era][] = [
  ['2026-07-28', { pin: '2026-07-28' }],
  ['2025-11-25', 'legacy'],
  ['negotiated', 'auto'],
];
// Windows knows no SIGTERM: there the process is ended at once.
const STOPS = process.platform === 'win32' ? null : 0;
const onWindows = process.platform === 'win32';

let server: ServerProcess | undefined;
afterEach(async () => {
  await server?.stop('SIGKILL');
});

describe.each(ERAS)('protocol %s', (_name, era) => {
  test('a client with a token uses what is shipped, one without does not', async () => {
    const issuer = await createIssuer();
    server = await startServer({ ...issuer.settings, MCP_ENABLE_WRITES: 'true' });
    const client = await connectHttp(server.url, era, await issuer.token());
    const { tools } = await client.listTools();
    const registered = shipped.tools.map(({ name }) => name);
    expect(registered).toEqual(expect.arrayContaining(tools.map(({ name }) => name)));
    await client.close();

    await expect(connectHttp(server.url, era)).rejects.toThrow();
    expect(await server.stop()).toBe(STOPS);
    expect(server.stdout()).toBe('');
  });

  test.skipIf(onWindows)('SIGTERM lets a running call finish; exit code 0', async () => {
    server = await startServer({}, FIXTURE);
    const client = await connectHttp(server.url, era);
    const waiting = client.callTool({ name: 'wait', arguments: { seconds: 1 } });
    await eventually(async () => {
      const metrics = await (await fetch(`${String(server?.url)}/metrics`)).text();
      expect(metrics).toContain('mcp_tool_calls_in_flight 1');
    });
    const stopped = server.stop('SIGTERM');
    expect((await waiting).structuredContent).toEqual({ waited: true });
    expect(await stopped).toBe(0);
    expect(server.logs.at(-1)).toMatchObject({ event: 'server.stopped' });
  });
});

test.skipIf(onWindows)('a second signal ends it at once', async () => {
  server = await startServer({ MCP_SHUTDOWN_DELAY_SECONDS: '60' });
  const stopped = server.stop('SIGINT');
  await server.logged('server.stopping');
  server.child.kill('SIGTERM'); // the same wish, as make passes it on
  await sleep(1000);
  expect(server.child.exitCode).toBeNull();
  const start = performance.now();
  server.child.kill('SIGINT');
  expect(await stopped).toBe(130);
  expect(performance.now() - start).toBeLessThan(10_000);
});
