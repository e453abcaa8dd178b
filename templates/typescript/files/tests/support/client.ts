import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

export type Era = 'auto' | 'legacy' | { pin: string };

interface FetchHandler {
  fetch: (request: Request) => Promise<Response>;
}

export function newClient(mode: Era = 'auto'): Client {
  return new Client({ name: 'tests', version: '1.0.0' }, { versionNegotiation: { mode } });
}

/** The official client on a handler, without a socket between them. */
export async function connectInMemory(handler: FetchHandler, mode: Era = 'auto'): Promise<Client> {
  const client = newClient(mode);
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
