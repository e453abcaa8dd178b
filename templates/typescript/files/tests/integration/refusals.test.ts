// What is refused over HTTP, in which shape, and that it costs the caller nothing.
import { request as httpRequestRaw } from 'node:http';

import { describe, expect, test } from 'vitest';

import { serve } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { content, envelope, LEGACY, MODERN, post, toolCall } from '../support/rpc.js';

const ECHO = toolCall('echo', { text: 'words' });
const LIST = { method: 'tools/list', params: {} };

/** fetch sets Host and Accept by itself; resolves to the status and the body. */
function rawPost(url: string, headers: Record<string, string>, body: string | Buffer = '{}') {
  return new Promise<[number | undefined, string]>((resolve, reject) => {
    const request = httpRequestRaw(`${url}/mcp`, { method: 'POST', headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => {
        resolve([response.statusCode, text]);
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

const JSON_HEADERS = {
  accept: 'application/json, text/event-stream',
  'content-type': 'application/json',
};

describe('refusals', () => {
  test('of a host that is not ours; one that is allowed passes', async () => {
    const { url } = await serve({ MCP_ALLOWED_HOSTS: 'mcp.example.com' });
    expect((await rawPost(url, { host: 'evil.example.com' }))[0]).toBe(403);
    expect((await rawPost(url, { host: 'mcp.example.com' }))[0]).toBe(406);
    expect((await fetch(`${url}/live`)).status).toBe(200);
  });

  test('of another origin; an allowed one gets CORS, its preflight before anything else', async () => {
    const { url } = await serve({ MCP_ALLOWED_ORIGINS: 'https://app.example.com' });
    const refused = await post(url, LIST, { headers: { origin: 'https://evil.example.com' } });
    expect([refused.status, envelope(refused)?.['code']]).toEqual([403, 'forbidden']);

    const headers = { origin: 'https://app.example.com' };
    const allowed = await post(url, LIST, { headers });
    expect(allowed.headers.get('access-control-allow-origin')).toBe('https://app.example.com');
    const preflight = await fetch(`${url}/mcp`, {
      method: 'OPTIONS',
      headers: { ...headers, 'access-control-request-method': 'POST' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-headers')).toContain('authorization');
  });

  test('come before admission, in one shape, counted and audited', async () => {
    const { url, metrics, logs } = await serve({
      MCP_RATE_LIMIT_PER_MINUTE: '1',
      MCP_RATE_LIMIT_BURST: '1',
      MCP_MAX_BODY_BYTES: '1000',
    });
    const body = (value: unknown) => JSON.stringify(value);
    const call = { jsonrpc: '2.0', id: 1, method: 'tools/call' };
    const cases: [number, number, string, Record<string, string>, string | Buffer][] = [
      [406, 406, 'not_acceptable', { ...JSON_HEADERS, accept: 'application/json' }, '{}'],
      [406, 406, 'not_acceptable', { ...JSON_HEADERS, accept: '*/*, text/event-stream;q=0' }, '{}'],
      [415, 415, 'unsupported_media_type', { ...JSON_HEADERS, 'content-type': 'text/plain' }, '{}'],
      [413, 413, 'too_large', JSON_HEADERS, 'x'.repeat(2000)],
      [400, -32700, 'invalid_request', JSON_HEADERS, '{"jsonrpc": '],
      [400, -32700, 'invalid_request', JSON_HEADERS, Buffer.from('{"a": "\u00e9"}', 'latin1')],
      [400, -32700, 'invalid_request', JSON_HEADERS, Buffer.from('{}', 'utf16le')],
      [400, -32600, 'invalid_request', JSON_HEADERS, '[]'],
      [400, -32600, 'invalid_request', JSON_HEADERS, '{"jsonrpc": "2.0", "id": 1, "result": {}}'],
      [400, -32602, 'invalid_request', JSON_HEADERS, body({ ...call, params: { name: 5 } })],
    ];
    for (const [status, code, name, headers, sent] of cases) {
      const [answered, text] = await rawPost(url, headers, sent);
      expect([answered, JSON.parse(text)]).toMatchObject([
        status,
        { jsonrpc: '2.0', error: { code, data: { category: 'client_error', code: name } } },
      ]);
      expect(text).not.toMatch(/node_modules|SyntaxError/);
    }
    expect(await metrics()).toContain('mcp_rejected_requests_total{reason="invalid_request"} 6');
    const denied = logs.filter(({ event }) => event === 'audit.denied');
    expect(denied).toHaveLength(cases.length);
    expect((await post(url, ECHO)).status).toBe(200);
  });

  test('spare what is right: any range that allows both, a byte order mark, more members', async () => {
    const { url } = await serve();
    const call = { jsonrpc: '2.0', id: 7, method: 'tools/call', params: ECHO.params, extra: 1 };
    const headers = { ...JSON_HEADERS, accept: 'text/*;q=0.5, application/*' };
    const [status, text] = await rawPost(url, headers, `\ufeff${JSON.stringify(call)}`);
    expect([status, text]).toEqual([200, expect.stringContaining('"id":7')]);
  });

  test('beyond the rate limit say when to come back; discovery stays open', async () => {
    const { url, metrics } = await serve({
      MCP_RATE_LIMIT_PER_MINUTE: '1',
      MCP_RATE_LIMIT_BURST: '2',
    });
    expect((await post(url, ECHO)).status).toBe(200);
    expect((await post(url, ECHO)).status).toBe(200);
    const refused = await post(url, ECHO, { id: 'third' });
    expect(refused.body).toMatchObject({
      id: 'third',
      error: { code: 429, message: 'rate limit exceeded' },
    });
    expect(envelope(refused)).toMatchObject({ category: 'client_error', code: 'rate_limited' });
    const seconds = Number(refused.headers.get('retry-after'));
    expect(seconds).toBeGreaterThan(40);
    expect(seconds).toBeLessThanOrEqual(60);
    expect((await post(url, LIST)).status).toBe(200);
    expect(await metrics()).toContain('mcp_rejected_requests_total{reason="rate_limited"} 1');
  });

  test('beyond capacity are 503; a client that leaves gives its place back', async () => {
    const server = await serve({ MCP_MAX_CONCURRENCY: '1', MCP_MAX_QUEUE: '0' });
    const controller = new AbortController();
    const { signal } = controller;
    const held = post(server.url, toolCall('wait', { seconds: 20 }), { signal }).catch(() => 0);
    await eventually(async () => {
      const refused = await post(server.url, ECHO);
      expect([refused.status, envelope(refused)?.['code']]).toEqual([503, 'overloaded']);
      expect(refused.headers.get('retry-after')).toBe('1');
    });
    expect((await post(server.url, LIST)).status).toBe(200);
    controller.abort();
    await held;
    await eventually(async () => {
      expect((await post(server.url, ECHO)).status).toBe(200);
    });
  });

  test('none for those who call while others only wait', async () => {
    const { url, metrics } = await serve({ MCP_MAX_CONCURRENCY: '1', MCP_MAX_QUEUE: '0' });
    const wait = toolCall('wait', { seconds: 1, aside: true });
    const first = post(url, wait);
    await eventually(async () => {
      expect((await post(url, ECHO)).status).toBe(200);
      expect(await metrics()).toContain('mcp_tool_calls_in_flight 1');
    });
    // There is room for one to wait: the second says so at once.
    expect(content(await post(url, wait))).toEqual({ waited: false });
    expect(content(await first)).toEqual({ waited: true });
  });
});

describe.each([MODERN, LEGACY] as const)('protocol %s', (era) => {
  test('unknown tools, prompts and resources and missing arguments are -32602', async () => {
    const { url } = await serve();
    for (const [message, text] of [
      [toolCall('no_such_tool'), 'Unknown tool'],
      [{ method: 'prompts/get', params: { name: 'none', arguments: {} } }, 'Unknown prompt'],
      [{ method: 'prompts/get', params: { name: 'greet' } }, 'Missing argument: name'],
      [{ method: 'resources/read', params: { uri: 'fixture://nothing' } }, 'Resource not found'],
      [{ method: 'resources/read', params: { uri: 'fixture://items/none' } }, 'Resource not found'],
    ] as const) {
      const { body } = await post(url, message, { era });
      expect(body.error?.message).toBe(text);
      expect([-32602, era === LEGACY ? -32002 : -32602]).toContain(body.error?.code);
    }
  });

  test('null is absent, and an unknown method is -32601 without its name', async () => {
    const { url } = await serve();
    const list = { method: 'tools/list', params: { cursor: null } };
    expect((await post(url, list, { era })).body.result).toHaveProperty('tools');
    const { body } = await post(url, { method: 'canary/method', params: {} }, { era });
    expect(body.error?.code).toBe(-32601);
    expect(JSON.stringify(body)).not.toContain('canary');
  });
});
