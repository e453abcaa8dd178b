export const MODERN = '2026-07-28';
export const LEGACY = '2025-11-25';

interface Message {
  method: string;
  params: Record<string, unknown>;
}

/** A JSON-RPC request of the protocol 2026-07-28 with the headers that repeat its content. */
export function modernRequest({ method, params }: Message, id: number | string = 1) {
  const name = params['name'] ?? params['uri'];
  return {
    headers: {
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      'mcp-protocol-version': MODERN,
      'mcp-method': method,
      ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id,
      method,
      params: {
        ...params,
        _meta: {
          'io.modelcontextprotocol/protocolVersion': MODERN,
          'io.modelcontextprotocol/clientInfo': { name: 'tests', version: '1.0.0' },
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    }),
  };
}

export function toolCall(name: string, args: Record<string, unknown> = {}): Message {
  return { method: 'tools/call', params: { name, arguments: args } };
}
