/** The http transport: routes, refusals, and the protocol behind the gate. */
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type AddressInfo, Server as NetServer } from 'node:net';

import type { App } from '../app.js';
import { correlationIdFrom, runInContext } from '../context.js';
import { AppError, toAppError } from '../errors.js';
import { Site } from '../site.js';
import { isRead, sendEmpty, sendJson, sendResponse } from './answers.js';
import { Exchanges } from './exchange.js';
import { admit, authenticate, forwardedFor, knownTool, readRequest } from './gate.js';
import { createListener, listen } from './listener.js';
import { errorMessage, type Message, MessageError } from './messages.js';
import { answerMetadata, offeredScopes, PROBES } from './probes.js';

/** Why a request was refused, and what is known about it by then. */
interface Refusal {
  readonly error: AppError;
  readonly subject?: string;
  readonly message?: Message | undefined;
}

const CORS = {
  'Access-Control-Allow-Methods': 'POST, OPTIONS',
  'Access-Control-Allow-Headers':
    'authorization, content-type, accept, mcp-protocol-version, mcp-method, mcp-name, ' +
    'mcp-session-id, x-request-id, traceparent, tracestate, baggage',
  'Access-Control-Max-Age': '600',
};
const EXPOSED = 'x-request-id, retry-after, www-authenticate';

/** Serves until `stop` aborts: then drains and ends. */
export async function serveHttp(app: App, stop: AbortSignal): Promise<void> {
  const { lifecycle, settings } = app;
  const logger = app.logger.child({ logger: 'server' });
  const exchanges = new Exchanges(app, logger);
  const routes = new Routes(app, exchanges);
  const server = createListener(app.metrics, (req, res) => {
    void routes.handle(req, res);
  });
  await listen(server, settings);
  const { port } = server.address() as AddressInfo;
  app.site = new Site(settings, port);
  app.start();
  logger.info({ transport: 'http', host: settings.serverHost, port }, 'server.started');

  if (!stop.aborted) await once(stop, 'abort');
  await lifecycle.stop();
  // http's own close() would also cut the connections on which new calls are to be refused.
  NetServer.prototype.close.call(server);
  await lifecycle.drain();
  await exchanges.close();
  server.closeIdleConnections();
  await app.stop();
  server.closeAllConnections();
  logger.info('server.stopped');
}

class Routes {
  readonly #app: App;
  readonly #exchanges: Exchanges;

  constructor(app: App, exchanges: Exchanges) {
    this.#app = app;
    this.#exchanges = exchanges;
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
    const { site, authenticator } = this.#app;
    const path = req.url?.split('?', 1)[0] ?? '/';
    const probe = PROBES.get(path);
    if (probe) {
      if (isRead(req)) await probe(this.#app, res);
      else sendEmpty(res, 405, { Allow: 'GET, HEAD' });
      return;
    }
    const { host, origin } = req.headers;
    const isMcp = path === '/mcp' || path === '/mcp/';
    if (isMcp && req.method !== 'POST' && req.method !== 'OPTIONS') {
      sendEmpty(res, 405, { Allow: 'POST, OPTIONS' });
      return;
    }
    try {
      site.check(host, origin);
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
    } else if (isMcp) {
      await this.#post(req, res, correlationId);
    } else if (site.metadataPaths.includes(path) && authenticator && isRead(req)) {
      answerMetadata(this.#app, res);
    } else {
      sendJson(res, 404, { error: 'not found' });
    }
  }

  async #post(req: IncomingMessage, res: ServerResponse, correlationId: string): Promise<void> {
    const gone = new AbortController();
    res.once('close', () => {
      if (!res.writableFinished) gone.abort();
    });
    let subject: string | undefined;
    let message: Message | undefined;
    try {
      const identity = await authenticate(this.#app, req);
      subject = identity.subject;
      message = await readRequest(this.#app, req);
      const { traceparent, tracestate } = req.headers;
      const context = {
        correlationId,
        identity,
        rateKey: this.#app.authenticator
          ? subject
          : this.#app.site.caller(req.socket.remoteAddress, forwardedFor(req)),
        params: message.params ?? {},
        carrier: { traceparent, tracestate },
      };
      const slot = await admit(this.#app, context, message, gone.signal, () => {
        res.once('close', this.#app.lifecycle.enter());
      });
      const { signal } = gone;
      const received = message;
      try {
        const { status, response } = await runInContext({ ...context, slot }, () =>
          this.#exchanges.serve(req, received, signal),
        );
        await sendResponse(res, status, response);
      } finally {
        slot?.abandon();
      }
    } catch (error) {
      if (res.destroyed || gone.signal.aborted) return;
      if (!(error instanceof AppError)) throw error;
      this.#refuse(
        req,
        res,
        { error, ...(subject !== undefined && { subject }), message },
        correlationId,
      );
    }
  }

  #refuse(
    req: IncomingMessage,
    res: ServerResponse,
    refusal: Refusal,
    correlationId: string,
  ): void {
    const { anonymous, calls } = this.#app;
    const { error, subject = anonymous.subject, message } = refusal;
    runInContext({ correlationId, identity: anonymous, rateKey: '' }, () => {
      calls.refused(error, subject, knownTool(this.#app, message));
    });
    if (error.status === 429 || error.status === 503) {
      res.setHeader('Retry-After', Number(error.details['retry_after_seconds'] ?? 1));
    }
    if (error.status === 401 || error.code === 'insufficient_scope') {
      res.setHeader('WWW-Authenticate', this.#challenge(req, error));
    }
    const malformed = error instanceof MessageError;
    const id = malformed ? error.id : (message?.id ?? null);
    const code = malformed ? error.rpcCode : error.status;
    const text = malformed ? error.rpcMessage : error.message;
    sendJson(res, error.status, errorMessage(id, code, text, error.payload(correlationId)));
  }

  #challenge(req: IncomingMessage, { code, details }: AppError): string {
    const required = (details['required_scopes'] ?? offeredScopes(this.#app)) as string[];
    const reason =
      code === 'insufficient_scope'
        ? ['error="insufficient_scope"']
        : req.headers.authorization === undefined
          ? []
          : ['error="invalid_token"'];
    const parts = [
      ...reason,
      `scope="${required.join(' ')}"`,
      `resource_metadata="${this.#app.site.metadataUrl}"`,
    ];
    return `Bearer ${parts.join(', ')}`;
  }
}
