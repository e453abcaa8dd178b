/** Everything on the http transport that is not MCP: endpoints, order of checks, refusals. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

import type { App } from './app.js';
import { type CallContext, correlationIdFrom, hasScope, runInContext } from './context.js';
import { AppError, toAppError } from './errors.js';
import { isDeeperThan, isObject, type JsonObject } from './json.js';
import { VERSION } from './package.js';
import type { Site } from './site.js';
import { findResource, scopes } from './tools/registry.js';

/** Serves a request whose body has been parsed and admitted. */
export type ProtocolHandler = (
  req: IncomingMessage,
  res: ServerResponse,
  body: unknown,
) => Promise<void>;

type Answer = (req: IncomingMessage, res: ServerResponse) => void | Promise<void>;

/** Why a request was refused, and what is known about it by then. */
interface Refusal {
  readonly error: AppError;
  readonly subject?: string;
  readonly message?: JsonObject;
}

const PARSE_ERROR = -32700;
const INVALID_REQUEST = -32600;
const METADATA_PATH = '/.well-known/oauth-protected-resource/mcp';
const MAX_NESTING = 200;
const READ_TIMEOUT = 30_000;
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

class Gate {
  readonly #app: App;
  readonly #protocol: ProtocolHandler;
  readonly #probes: ReadonlyMap<string, Answer>;

  constructor(app: App, protocol: ProtocolHandler) {
    this.#app = app;
    this.#protocol = protocol;
    this.#probes = new Map<string, Answer>([
      [
        '/live',
        (_, res) => {
          sendJson(res, 200, { status: 'alive' });
        },
      ],
      [
        '/ready',
        (_, res) => {
          this.#ready(res);
        },
      ],
      [
        '/health',
        (_, res) => {
          this.#health(res);
        },
      ],
      ['/metrics', (_, res) => this.#metrics(res)],
    ]);
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
    const probe = this.#probes.get(path);
    if (probe) {
      if (isRead(req)) await probe(req, res);
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
      this.#metadata(res);
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
      await this.#admitted({ correlationId, identity, rateKey }, message, gone.signal, (context) =>
        runInContext(context, () => this.#protocol(req, res, message)),
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
  async #admitted(
    context: CallContext,
    { method, params }: JsonObject,
    gone: AbortSignal,
    serve: (context: CallContext) => Promise<void>,
  ): Promise<void> {
    const { calls, lifecycle, tools, resources } = this.#app;
    const { name, uri } = isObject(params) ? params : {};
    if (method === 'resources/read' && typeof uri === 'string') {
      requireScope(context, findResource(resources, uri)?.resource.scope);
    }
    const tool = method === 'tools/call' && typeof name === 'string' ? tools.get(name) : undefined;
    if (method === 'tools/call' && lifecycle.draining) throw new AppError('shutting_down');
    if (!tool) return serve(context);
    requireScope(context, tool.scope);
    const ended = lifecycle.enter();
    try {
      const slot = await calls.admit(context.rateKey, gone);
      await serve({ ...context, slot }).finally(() => {
        slot.abandon();
      });
    } finally {
      ended();
    }
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

  #ready(res: ServerResponse): void {
    const { phase } = this.#app.lifecycle;
    sendJson(res, phase === 'ready' ? 200 : 503, { status: phase });
  }

  /** From what is known already: no outgoing call. */
  #health(res: ServerResponse): void {
    const { store, records } = this.#app;
    const checks = {
      server: 'healthy',
      state: store.healthy ? 'healthy' : 'degraded',
      external_api: !records ? 'disabled' : records.healthy ? 'healthy' : 'degraded',
    };
    const status = Object.values(checks).includes('degraded') ? 'degraded' : 'healthy';
    sendJson(res, 200, { status, version: VERSION, checks });
  }

  async #metrics(res: ServerResponse): Promise<void> {
    const { registry } = this.#app.metrics;
    const text = await registry.metrics();
    res.writeHead(200, { 'Content-Type': registry.contentType }).end(text);
  }

  #metadata(res: ServerResponse): void {
    sendJson(res, 200, {
      resource: this.#site.resource,
      authorization_servers: [this.#app.settings.authIssuer],
      scopes_supported: scopes,
      bearer_methods_supported: ['header'],
    });
  }
}

/** A body that is no JSON-RPC message: its own error, without our envelope. */
class MalformedError extends Error {
  override readonly name = 'MalformedError';
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

function requireScope({ identity }: CallContext, scope: string | undefined): void {
  if (scope === undefined || hasScope(identity, scope)) return;
  throw new AppError('insufficient_scope', {
    message: `scope required: ${scope}`,
    details: { required_scopes: [scope] },
  });
}

/** @throws AppError `unsupported_media_type` or `too_large`, MalformedError when it is not JSON */
async function readJson(req: IncomingMessage, maxBytes: number): Promise<unknown> {
  const mediaType = req.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (mediaType !== 'application/json') throw new AppError('unsupported_media_type');
  if (Number(req.headers['content-length'] ?? 0) > maxBytes) throw new AppError('too_large');
  const chunks: Buffer[] = [];
  let size = 0;
  // Leaving the loop must not destroy the socket: the refusal still has to go out.
  const body = req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > maxBytes) throw new AppError('too_large');
    chunks.push(chunk);
  }
  const value = parseJson(Buffer.concat(chunks));
  if (isDeeperThan(MAX_NESTING, value))
    throw new MalformedError(INVALID_REQUEST, 'Invalid request');
  return value;
}

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new MalformedError(PARSE_ERROR, 'Parse error');
  }
}

function forwardedFor(req: IncomingMessage): string | undefined {
  const header = req.headers['x-forwarded-for'];
  return Array.isArray(header) ? header.join(',') : header;
}

function isRead({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD';
}

function sendJson(res: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  res.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(text),
  });
  res.end(text);
}

function sendEmpty(res: ServerResponse, status: number, headers: Record<string, string>): void {
  res.writeHead(status, headers).end();
}
