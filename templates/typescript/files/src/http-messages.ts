/** Reading a request's body and writing an answer, on plain node:http. */
import type { IncomingMessage, ServerResponse } from 'node:http';

import { AppError } from './errors.js';
import { isDeeperThan } from './json.js';

const PARSE_ERROR = -32700;
export const INVALID_REQUEST = -32600;
const MAX_NESTING = 200;
/** A body that is no JSON-RPC message: its own error, without our envelope. */
export class MalformedError extends Error {
  override readonly name = 'MalformedError';
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** @throws AppError `unsupported_media_type` or `too_large`, MalformedError when it is not JSON */
export async function readJson(req: IncomingMessage, maxBytes: number): Promise<unknown> {
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

export function forwardedFor(req: IncomingMessage): string | undefined {
  const header = req.headers['x-forwarded-for'];
  return Array.isArray(header) ? header.join(',') : header;
}

export function isRead({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD';
}

export function sendJson(res: ServerResponse, status: number, body: unknown): void {
  const text = JSON.stringify(body);
  res.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(text),
  });
  res.end(text);
}

export function sendEmpty(
  res: ServerResponse,
  status: number,
  headers: Record<string, string>,
): void {
  res.writeHead(status, headers).end();
}
