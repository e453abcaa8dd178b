/** One message over HTTP through the SDK, in the era that it claims. */
import type { IncomingMessage } from 'node:http';

import {
  createMcpHandler,
  PerRequestHTTPServerTransport,
  PROTOCOL_VERSION_META_KEY,
  SUPPORTED_PROTOCOL_VERSIONS,
} from '@modelcontextprotocol/server';

import type { App } from '../app.js';
import { isObject } from '../json.js';
import type { Logger } from '../observability/logs.js';
import type { Message } from './messages.js';
import { protocolServers } from './protocol.js';

/** That both kinds of answer are accepted was checked before. */
const FIXED_HEADERS = {
  accept: 'application/json, text/event-stream',
  'content-type': 'application/json',
};
const PROTOCOL_HEADERS = ['mcp-protocol-version', 'mcp-method', 'mcp-name'] as const;

export interface Answer {
  readonly status: number;
  readonly response: Response;
}

export class Exchanges {
  readonly #newServer: ReturnType<typeof protocolServers>;
  readonly #modern: ReturnType<typeof createMcpHandler>;

  constructor(app: App, logger: Logger) {
    this.#newServer = protocolServers(app);
    this.#modern = createMcpHandler(this.#newServer, {
      onerror: (error) => {
        logger.debug({ err: error }, 'protocol.rejected');
      },
    });
  }

  async serve(req: IncomingMessage, message: Message, signal: AbortSignal): Promise<Answer> {
    const version = req.headers['mcp-protocol-version'];
    const meta = message.params?.['_meta'];
    const claims = isObject(meta) && PROTOCOL_VERSION_META_KEY in meta;
    const older = version === undefined || SUPPORTED_PROTOCOL_VERSIONS.includes(String(version));
    if (!claims && older) {
      // Errors of the protocol have no HTTP status of their own in 2025-11-25.
      const response = await this.#serveLegacy(message, signal);
      return { status: response.status === 202 ? 202 : 200, response };
    }
    const headers = new Headers(FIXED_HEADERS);
    for (const name of PROTOCOL_HEADERS) {
      const value = req.headers[name];
      if (typeof value === 'string') headers.set(name, value);
    }
    // All that is read of it: to make a real one costs a tenth of a call.
    const request = { method: 'POST', headers, signal } as unknown as Request;
    const response = await this.#modern.fetch(request, { parsedBody: message });
    return { status: response.status, response };
  }

  close(): Promise<void> {
    return this.#modern.close();
  }

  /** Stateless, and plain JSON unless progress is reported; the SDK's own way makes a stream of each answer. */
  async #serveLegacy(message: Message, signal: AbortSignal): Promise<Response> {
    const server = this.#newServer();
    const transport = new PerRequestHTTPServerTransport({ classification: { era: 'legacy' } });
    await server.connect(transport);
    const request = { signal } as unknown as Request;
    const response = await transport.handleMessage(message, { request });
    if (response.status === 202) await server.close();
    return response;
  }
}
