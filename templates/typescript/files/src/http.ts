/** Everything on the http transport that is not MCP: endpoints, order of checks, refusals. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

import type { App } from './app.js';
import { type CallContext, correlationIdFrom, hasScope, runInContext } from './context.js';
import { AppError, toAppError } from './errors.js';
import {
  forwardedFor,
  INVALID_REQUEST,
  isRead,
  MalformedError,
  readJson,
  sendEmpty,
  sendJson,
} from './http-messages.js';
import { isObject, type JsonObject } from './json.js';
import { answerMetadata, PROBES } from './probes.js';
import type { Slot } from './limits.js';
import type { Settings } from './settings.js';
import type { Site } from './site.js';
import { findResource } from './tools/contract.js';

/** Serves a request whose body has been parsed and admitted. */
export type ProtocolHandler = (
  req: IncomingMessage,
  res: ServerResponse,
  body: unknown,
) => Promise<void>;

/** Why a request was refused, and what is known about it by then. */
interface Refusal {
  readonly error: AppError;
  readonly subject?: string;
  readonly message?: JsonObject;
}

const METADATA_PATH = '/.well-known/oauth-protected-resource/mcp';
const READ_TIMEOUT = 30_000;
const READ_CHECK_INTERVAL = 5000;
const KEEP_ALIVE_TIMEOUT = 75_000;

const CORS = {
  'Access-Control-Allow-Methods': 'POST, OPTIONS',
  'Access-Control-Allow-Headers':
    'authorization, content-type, accept, mcp-protocol-version, mcp-method, mcp-name, ' +
    'mcp-session-id, x-request-id, traceparent, tracestate, baggage',
  'Access-Control-Max-Age': '600',
};
const EXPOSED = 'x-request-id, retry-after, www-authenticate';

export function createHttpServer(app: App, protocol: ProtocolHandler): Server {
  const gate = new Gate(app, protocol);
  const server = createServer(
    {
      requestTimeout: READ_TIMEOUT,
      headersTimeout: READ_TIMEOUT,
      connectionsCheckingInterval: READ_CHECK_INTERVAL,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT,
    },
    (req, res) => {
      void gate.handle(req, res);
    },
  );
  server.on('connection', (socket) => {
    app.metrics.openConnections.inc();
    socket.once('close', () => {
      app.metrics.openConnections.dec();
    });
  });
  return server;
}

/** The server cannot start for a reason outside of it. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

/** @throws StartError */
export async function listen(server: Server, { serverHost, serverPort }: Settings): Promise<void> {
  server.listen(serverPort, serverHost);
  try {
    await once(server, 'listening');
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new StartError(`cannot listen on ${serverHost}:${serverPort}: ${reason}`);
  }
}

class Gate {
  readonly #app: App;
  readonly #protocol: ProtocolHandler;

  constructor(app: App, protocol: ProtocolHandler) {
    this.#app = app;
    this.#protocol = protocol;
  }

  get #site(): Site {
    return this.#app.site;
  }

  async handle(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const correlationId = correlationIdFrom(req.headers['x-request-id']);
    res.setHeader('X-Request-ID', correlationId);
    if (this.#app.lifecycle.draining) res.setHeader('Connection', 'close');
    try {
      await this.#route(req, res, correlationId);
    } catch (error) {
      this.#app.logger.error({ logger: 'http', err: error }, 'http.failed');
      if (res.headersSent) res.destroy();
      else this.#refuse(req, res, { error: toAppError(error) }, correlationId);
    }
  }

  async #route(req: IncomingMessage, res: ServerResponse, correlationId: string): Promise<void> {
    const path = req.url?.split('?', 1)[0] ?? '/';
    const probe = PROBES.get(path);
    if (probe) {
      if (isRead(req)) await probe(this.#app, res);
      else sendEmpty(res, 405, { Allow: 'GET, HEAD' });
      return;
    }
    const { host, origin } = req.headers;
    try {
      this.#site.check(host, origin);
    } catch (error) {
      this.#refuse(req, res, { error: toAppError(error) }, correlationId);
      return;
    }
    if (origin !== undefined) {
      res.setHeader('Access-Control-Allow-Origin', origin);
      res.setHeader('Access-Control-Expose-Headers', EXPOSED);
      res.setHeader('Vary', 'Origin');
    }
    if (req.method === 'OPTIONS') {
      sendEmpty(res, 204, { Allow: 'POST, OPTIONS', ...CORS });
    } else if (path === '/mcp') {
      await this.#mcp(req, res, correlationId);
    } else if (path === METADATA_PATH && this.#app.authenticator && isRead(req)) {
      answerMetadata(this.#app, res);
    } else {
      sendJson(res, 404, { error: 'not found' });
    }
  }

  async #mcp(req: IncomingMessage, res: ServerResponse, correlationId: string): Promise<void> {
    if (req.method !== 'POST') {
      sendEmpty(res, 405, { Allow: 'POST, OPTIONS' });
      return;
    }
    const gone = new AbortController();
    res.once('close', () => {
      gone.abort();
    });
    let subject: string | undefined;
    let message: unknown;
    try {
      const { authenticator, anonymous } = this.#app;
      const identity = (await authenticator?.authenticate(req.headers.authorization)) ?? anonymous;
      subject = identity.subject;
      message = await readJson(req, this.#app.settings.maxBodyBytes);
      if (!isObject(message)) throw new MalformedError(INVALID_REQUEST, 'Invalid request');
      const address = this.#site.clientAddress(req.socket.remoteAddress, forwardedFor(req));
      const rateKey = authenticator ? subject : address;
      const context = { correlationId, identity, rateKey };
      const slot = await this.#admit(context, message, res, gone.signal);
      await runInContext({ ...context, slot }, () => this.#protocol(req, res, message)).finally(
        () => slot?.abandon(),
      );
    } catch (error) {
      if (res.destroyed || gone.signal.aborted) return;
      if (error instanceof MalformedError) {
        const body = {
          jsonrpc: '2.0',
          id: null,
          error: { code: error.code, message: error.message },
        };
        sendJson(res, 400, body);
      } else if (error instanceof AppError) {
        this.#refuse(
          req,
          res,
          { error, subject, ...(isObject(message) && { message }) },
          correlationId,
        );
      } else throw error;
    }
  }

  /** What is allowed is decided on the parsed body, never on a header. */
  async #admit(
    context: CallContext,
    { method, params }: JsonObject,
    res: ServerResponse,
    gone: AbortSignal,
  ): Promise<Slot | undefined> {
    const { calls, lifecycle, tools, resources } = this.#app;
    const { name, uri } = isObject(params) ? params : {};
    if (method === 'resources/read' && typeof uri === 'string') {
      requireScope(context, findResource(resources, uri)?.resource.scope);
    }
    if (method !== 'tools/call') return undefined;
    if (lifecycle.draining) throw new AppError('shutting_down');
    const tool = typeof name === 'string' ? tools.get(name) : undefined;
    if (!tool) return undefined;
    requireScope(context, tool.scope);
    res.once('close', lifecycle.enter());
    return calls.admit(context.rateKey, gone);
  }

  #refuse(
    req: IncomingMessage,
    res: ServerResponse,
    refusal: Refusal,
    correlationId: string,
  ): void {
    const { error, subject = this.#app.anonymous.subject, message } = refusal;
    const params = isObject(message?.['params']) ? message['params'] : {};
    const name = typeof params['name'] === 'string' ? params['name'] : '';
    runInContext({ correlationId, identity: this.#app.anonymous, rateKey: '' }, () => {
      this.#app.calls.refused(error, subject, this.#app.tools.has(name) ? name : null);
    });
    if (error.status === 429 || error.status === 503) {
      res.setHeader('Retry-After', Number(error.details['retry_after_seconds'] ?? 1));
    }
    if (error.status === 401 || error.code === 'insufficient_scope') {
      res.setHeader('WWW-Authenticate', this.#challenge(req, error));
    }
    const id = message?.['id'];
    sendJson(res, error.status, {
      jsonrpc: '2.0',
      id: typeof id === 'string' || typeof id === 'number' ? id : null,
      error: { code: error.status, message: error.message, data: error.payload(correlationId) },
    });
  }

  #challenge(req: IncomingMessage, { code, details }: AppError): string {
    const parts = [`resource_metadata="${this.#site.metadataUrl}"`];
    if (code === 'insufficient_scope') {
      const required = details['required_scopes'] as string[];
      parts.unshift('error="insufficient_scope"', `scope="${required.join(' ')}"`);
    } else if (req.headers.authorization !== undefined) {
      parts.unshift('error="invalid_token"');
    }
    return `Bearer ${parts.join(', ')}`;
  }
}

function requireScope({ identity }: CallContext, scope: string | undefined): void {
  if (scope === undefined || hasScope(identity, scope)) return;
  throw new AppError('insufficient_scope', {
    message: `scope required: ${scope}`,
    details: { required_scopes: [scope] },
  });
}
