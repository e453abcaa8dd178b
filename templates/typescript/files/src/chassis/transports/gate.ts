/** The checks before a request is admitted, in their order; none but the last two uses up anything. */
import type { IncomingMessage } from 'node:http';

import type { App } from '../app.js';
import { type CallContext, hasScope, type Identity } from '../context.js';
import { findResource } from '../declarations.js';
import { AppError } from '../errors.js';
import { isObject, JsonError, parseJson } from '../json.js';
import type { Slot } from '../limits.js';
import { type Message, MessageError, PARSE_ERROR, readMessage } from './messages.js';

const ANSWERS = ['application/json', 'text/event-stream'];

/** @throws AppError `unauthenticated` or `dependency_unavailable` */
export async function authenticate(app: App, req: IncomingMessage): Promise<Identity> {
  return (await app.authenticator?.authenticate(req.headers.authorization)) ?? app.anonymous;
}

/** @throws AppError `not_acceptable`, `unsupported_media_type` or `too_large`; MessageError */
export async function readRequest(app: App, req: IncomingMessage): Promise<Message> {
  const { accept = '' } = req.headers;
  if (!ANSWERS.every((type) => accepts(accept, type))) throw new AppError('not_acceptable');
  const mediaType = req.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (mediaType !== 'application/json') throw new AppError('unsupported_media_type');
  const bytes = await readBody(req, app.settings.maxBodyBytes);
  try {
    return readMessage(parseJson(bytes));
  } catch (error) {
    if (error instanceof JsonError) throw new MessageError(PARSE_ERROR, `body ${error.message}`);
    throw error;
  }
}

/**
 * What is allowed is decided on the parsed body, never on a header.
 * Resolves to the place of a tool call; `entered` is told when there is one.
 * @throws AppError
 */
export async function admit(
  app: App,
  { identity, rateKey }: CallContext,
  { method, params = {} }: Message,
  gone: AbortSignal,
  entered: () => void,
): Promise<Slot | undefined> {
  const { calls, lifecycle, tools, resources } = app;
  if (method === 'resources/read') {
    requireScope(identity, findResource(resources, String(params['uri']))?.resource.scope);
  }
  if (method !== 'tools/call') return undefined;
  const tool = tools.get(String(params['name']));
  requireScope(identity, tool?.scope);
  if (lifecycle.draining) throw new AppError('shutting_down');
  if (!tool) return undefined;
  entered();
  return calls.admit(rateKey, gone);
}

/** The lines of `X-Forwarded-For`. */
export function forwardedFor(req: IncomingMessage): readonly string[] {
  return req.headersDistinct['x-forwarded-for'] ?? [];
}

/** The name in a request's parameters, as long as it is one of ours. */
export function knownTool({ tools }: App, message: Message | undefined): string | null {
  const name = isObject(message?.params) ? message.params['name'] : undefined;
  return typeof name === 'string' && tools.has(name) ? name : null;
}

async function readBody(req: IncomingMessage, maxBytes: number): Promise<Buffer> {
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
  return Buffer.concat(chunks);
}

/** Whether the most specific range for `type` is not excluded by `q=0`. */
function accepts(header: string, type: string): boolean {
  const wanted = ['*/*', type.replace(/\/.*/, '/*'), type];
  const ranges = header.split(',').map((range) => {
    const [name = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const quality = parameters.find((parameter) => parameter.startsWith('q='));
    return { rank: wanted.indexOf(name), quality: Number(quality?.slice(2) ?? 1) };
  });
  const best = ranges.reduce((a, b) => (b.rank >= a.rank ? b : a), { rank: -1, quality: 0 });
  return best.rank >= 0 && best.quality > 0;
}

function requireScope(identity: Identity, scope: string | undefined): void {
  if (scope === undefined || hasScope(identity, scope)) return;
  throw new AppError('insufficient_scope', {
    message: `scope required: ${scope}`,
    details: { required_scopes: [scope] },
  });
}
