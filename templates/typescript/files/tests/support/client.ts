import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { createMcpHandler } from '@modelcontextprotocol/server';

import type { App } from '../../src/chassis/app.js';
import { protocolServers } from '../../src/chassis/transports/protocol.js';

export type Era = 'auto' | 'legacy' | { pin: string };

export function newClient(mode: Era = 'auto'): Client {
  return new Client({ name: 'tests', version: '1.0.0' }, { versionNegotiation: { mode } });
}

/** The official client on an app, without a socket between them. */
export async function connectInMemory(app: App, mode: Era = 'auto'): Promise<Client> {
  const client = newClient(mode);
  const handler = createMcpHandler(protocolServers(app));
  const transport = new StreamableHTTPClientTransport(new URL('http://localhost/mcp'), {
    fetch: (url, init) => handler.fetch(new Request(url, init)),
  });
  await client.connect(transport);
  return client;
}

/** The official client on a server over HTTP. */
export async function connectHttp(
  url: string,
  mode: Era = 'auto',
  token?: string,
): Promise<Client> {
  const client = newClient(mode);
  const transport = new StreamableHTTPClientTransport(new URL(`${url}/mcp`), {
    requestInit: token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } },
  });
  await client.connect(transport);
  return client;
}
