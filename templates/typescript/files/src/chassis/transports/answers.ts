/** Writing answers on plain node:http. */
import type { IncomingMessage, ServerResponse } from 'node:http';

import { escapeLineBreaks, toJsonLine } from '../json.js';

export function isRead({ method }: IncomingMessage): boolean {
  return method === 'GET' || method === 'HEAD';
}

export function sendJson(res: ServerResponse, status: number, body: unknown): void {
  sendText(res, status, { 'Content-Type': 'application/json' }, toJsonLine(body));
}

export function sendEmpty(
  res: ServerResponse,
  status: number,
  headers: Record<string, string>,
): void {
  res.writeHead(status, headers).end();
}

/** Sends what the SDK answered: whole, or part by part when it is a stream of events. */
export async function sendResponse(
  res: ServerResponse,
  status: number,
  response: Response,
): Promise<void> {
  const headers = Object.fromEntries(response.headers);
  if (!response.body || !headers['content-type']?.startsWith('text/event-stream')) {
    const text = escapeLineBreaks(await response.text());
    sendText(res, status, headers, text);
    return;
  }
  res.writeHead(status, headers);
  for await (const event of response.body) {
    if (res.destroyed) return;
    res.write(escapeLineBreaks(Buffer.from(event).toString('utf8')));
  }
  res.end();
}

function sendText(
  res: ServerResponse,
  status: number,
  headers: Record<string, string>,
  text: string,
): void {
  res.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(text) });
  res.end(text);
}
