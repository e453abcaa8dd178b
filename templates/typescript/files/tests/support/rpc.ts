export const MODERN = '2026-07-28';
export const LEGACY = '2025-11-25';

export interface Message {
  method: string;
  params: Record<string, unknown>;
}

export interface PostOptions {
  era?: typeof MODERN | typeof LEGACY;
  id?: number | string;
  token?: string | undefined;
  headers?: Record<string, string>;
  /** Sent instead of the message. */
  body?: string;
  meta?: Record<string, unknown>;
  signal?: AbortSignal;
  path?: string;
}

/** What came back: of a stream, the last message. */
export interface Reply {
  status: number;
  headers: Headers;
  body: {
    id?: unknown;
    result?: Record<string, unknown> & { isError?: boolean; content?: { text: string }[] };
    error?: { code: number; message: string; data?: Record<string, unknown> };
  };
  messages: Record<string, unknown>[];
}

export function toolCall(name: string, args: Record<string, unknown> = {}): Message {
  return { method: 'tools/call', params: { name, arguments: args } };
}

export function readResource(uri: string): Message {
  return { method: 'resources/read', params: { uri } };
}

/** Headers and body of a JSON-RPC request; those of 2026-07-28 repeat parts of the body. */
export function httpRequest({ method, params }: Message, options: PostOptions = {}) {
  const { era = MODERN, id = 1, meta = {}, token } = options;
  const name = params['name'] ?? params['uri'];
  const modern = {
    'mcp-method': method,
    ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
  };
  const modernMeta = {
    'io.modelcontextprotocol/protocolVersion': MODERN,
    'io.modelcontextprotocol/clientInfo': { name: 'tests', version: '1.0.0' },
    'io.modelcontextprotocol/clientCapabilities': {},
  };
  const _meta = { ...(era === MODERN ? modernMeta : {}), ...meta };
  return {
    headers: {
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      'mcp-protocol-version': era,
      ...(era === MODERN ? modern : {}),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...options.headers,
    },
    body:
      options.body ?? JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta } }),
  };
}

export async function post(
  url: string,
  message: Message,
  options: PostOptions = {},
): Promise<Reply> {
  const { signal, path = '/mcp' } = options;
  const response = await fetch(url + path, {
    method: 'POST',
    ...httpRequest(message, options),
    ...(signal && { signal }),
  });
  const text = await response.text();
  const streamed = response.headers.get('content-type')?.startsWith('text/event-stream');
  const parts = streamed
    ? [...text.matchAll(/^data: ?(.+)$/gm)].map(([, data = '']) => data)
    : [text];
  const messages = parts
    .filter((part) => part !== '')
    .map((part) => JSON.parse(part) as Record<string, unknown>);
  return {
    status: response.status,
    headers: response.headers,
    body: messages.at(-1) ?? {},
    messages,
  };
}

/** The error envelope that a tool's result or a refusal carries. */
export function envelope({ body }: Reply): Record<string, unknown> | undefined {
  if (body.error) return body.error.data;
  if (body.result?.isError !== true) return undefined;
  const text = body.result.content?.[0]?.text ?? '';
  return (JSON.parse(text) as { error: Record<string, unknown> }).error;
}

/** What a successful tool call returned. */
export function content({ body }: Reply): Record<string, unknown> {
  return (body.result?.['structuredContent'] ?? {}) as Record<string, unknown>;
}

/** The text of a resource that was read. */
export function contentsText({ body }: Reply): string {
  const contents = (body.result?.['contents'] ?? []) as { text: string }[];
  return contents[0]?.text ?? '';
}
