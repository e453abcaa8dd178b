// The server over HTTP: endpoints, refusals and their order, limits, logs and metrics.
import { request as httpRequestRaw } from 'node:http';

import { afterEach, describe, expect, test, vi } from 'vitest';

import { NAME, VERSION } from '../../src/package.js';
import { serve, type TestServer } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { json, startRecords } from '../support/records.js';
import {
  content,
  contentsText,
  envelope,
  LEGACY,
  MODERN,
  post,
  readResource,
  toolCall,
} from '../support/rpc.js';

const TEXT = toolCall('process_text', { text: 'some words' });
const LIST = { method: 'tools/list', params: {} };
const UUID = /^[0-9a-f-]{36}$/;

const started: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of started.splice(0)) await stop();
});

async function newServer(settings: Record<string, string> = {}): Promise<TestServer> {
  const server = await serve({ MCP_SHUTDOWN_GRACE_SECONDS: '1', ...settings });
  started.push(server.stop);
  return server;
}

async function newRecords(...answers: Parameters<typeof startRecords>) {
  const records = await startRecords(...answers);
  started.push(records.close);
  return records;
}

/** An operation's wait, for a call that lasts. */
async function startLasting({ url }: TestServer) {
  const reply = await post(
    url,
    toolCall('start_operation', { steps: 100, step_milliseconds: 1000 }),
  );
  const { operation_id } = content(reply);
  await eventually(async () => {
    const check = await post(url, toolCall('check_operation_status', { operation_id }));
    expect(content(check)['status']).toBe('running');
  });
  return toolCall('check_operation_status', { operation_id, wait_seconds: 20 });
}

async function get(url: string) {
  const response = await fetch(url);
  const body = (await response.json()) as Record<string, unknown>;
  return { status: response.status, body };
}

describe('endpoints', () => {
  test('live, ready and health answer', async () => {
    const { url } = await newServer();
    expect(await get(`${url}/live`)).toEqual({ status: 200, body: { status: 'alive' } });
    await eventually(async () => {
      expect(await get(`${url}/ready`)).toEqual({ status: 200, body: { status: 'ready' } });
    });
    expect(await get(`${url}/health`)).toEqual({
      status: 200,
      body: {
        status: 'healthy',
        version: VERSION,
        checks: { server: 'healthy', state: 'healthy', external_api: 'disabled' },
      },
    });
  });

  test('health tells of an open circuit breaker without calling the service', async () => {
    const records = await newRecords(json({}, 500));
    const { url } = await newServer({ MCP_API_BASE_URL: records.url, MCP_BREAKER_FAILURES: '1' });
    await post(url, toolCall('lookup_record', { record_id: 'r' }));
    const { body } = await get(`${url}/health`);
    expect(body).toMatchObject({ status: 'degraded', checks: { external_api: 'degraded' } });
    expect(records.requests).toHaveLength(1);
  });

  test('metrics are in the Prometheus format', async () => {
    const { url } = await newServer();
    await post(url, TEXT);
    await post(url, toolCall('process_text', { text: '' }));
    await post(url, toolCall('no_such_tool'));
    const response = await fetch(`${url}/metrics`);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain/);
    const text = await response.text();
    for (const line of [
      'mcp_tool_calls_total{tool="process_text",outcome="success"} 1',
      'mcp_tool_calls_total{tool="process_text",outcome="client_error"} 1',
      'mcp_tool_calls_total{tool="unknown",outcome="client_error"} 1',
      'mcp_tool_duration_seconds_bucket{le="0.005",tool="process_text"}',
      'mcp_tool_calls_in_flight 0',
      'mcp_tool_calls_queued 0',
      `mcp_build_info{version="${VERSION}",protocol="${MODERN}"} 1`,
      'mcp_open_connections ',
      'process_cpu_seconds_total ',
      'process_resident_memory_bytes ',
    ]) {
      expect(text).toContain(line);
    }
    expect(text).not.toContain('no_such_tool');
  });

  test('others do not exist, and neither do other methods', async () => {
    const { url } = await newServer();
    expect((await fetch(`${url}/admin`)).status).toBe(404);
    expect((await fetch(`${url}/.well-known/oauth-protected-resource/mcp`)).status).toBe(404);
    expect((await fetch(`${url}/live`, { method: 'POST' })).status).toBe(405);
    for (const method of ['GET', 'DELETE', 'PUT']) {
      const response = await fetch(`${url}/mcp`, { method });
      expect(response.status).toBe(405);
      expect(response.headers.get('allow')).toBe('POST, OPTIONS');
    }
  });
});

describe.each([MODERN, LEGACY] as const)('protocol %s', (era) => {
  test('a call answers with text and structured content', async () => {
    const { url } = await newServer();
    const reply = await post(url, TEXT, { era, id: 'call-1' });
    expect(reply.status).toBe(200);
    expect(reply.body.id).toBe('call-1');
    expect(content(reply)).toMatchObject({ result: 'some words', metadata: { word_count: 2 } });
    expect(JSON.parse(reply.body.result?.content?.[0]?.text ?? '')).toEqual(content(reply));
  });

  test('unknown tools, prompts and resources and missing arguments are -32602', async () => {
    const { url } = await newServer();
    for (const [message, text] of [
      [toolCall('no_such_tool'), 'Unknown tool'],
      [{ method: 'prompts/get', params: { name: 'none', arguments: {} } }, undefined],
      [{ method: 'prompts/get', params: { name: 'summarize_text', arguments: {} } }, undefined],
    ] as const) {
      const { body } = await post(url, message, { era });
      expect(body.error?.code).toBe(-32602);
      if (text !== undefined) expect(body.error?.message).toBe(text);
    }
    const { body } = await post(url, readResource('config://nothing'), { era });
    expect([-32602, era === LEGACY ? -32002 : -32602]).toContain(body.error?.code);
  });

  test('arguments that are no object are -32602', async () => {
    const { url } = await newServer();
    const params = { name: 'process_text', arguments: [1] };
    const { body } = await post(url, { method: 'tools/call', params }, { era });
    expect(body.error?.code).toBe(-32602);
  });

  test('a batch is refused', async () => {
    const { url } = await newServer();
    const body = JSON.stringify([{ jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} }]);
    const reply = await post(url, LIST, { era, body });
    expect([reply.status, reply.body.error?.code, reply.body.id]).toEqual([400, -32600, null]);
  });

  test('malformed JSON is refused', async () => {
    const { url } = await newServer();
    const reply = await post(url, LIST, { era, body: '{"jsonrpc": "2.0", ' });
    expect([reply.status, reply.body.error?.code]).toEqual([400, -32700]);
    expect(JSON.stringify(reply.body)).not.toMatch(/node_modules|SyntaxError|at /);
  });
});

describe('refusals', () => {
  /** fetch does not let Host be set. */
  function rawPost(url: string, headers: Record<string, string>): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      const request = httpRequestRaw(`${url}/mcp`, { method: 'POST', headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      request.on('error', reject);
      request.end('{}');
    });
  }

  test('a host that is not ours is refused, one that is allowed is not', async () => {
    const { url } = await newServer({ MCP_ALLOWED_HOSTS: 'mcp.example.com' });
    expect(await rawPost(url, { host: 'evil.example.com' })).toBe(403);
    expect(await rawPost(url, { host: 'mcp.example.com' })).toBe(415);
    expect((await fetch(`${url}/live`)).status).toBe(200);
  });

  test('another origin is refused, an allowed one gets CORS, its preflight before anything else', async () => {
    const { url } = await newServer({ MCP_ALLOWED_ORIGINS: 'https://app.example.com' });
    const refused = await post(url, LIST, { headers: { origin: 'https://evil.example.com' } });
    expect([refused.status, envelope(refused)?.['code']]).toEqual([403, 'forbidden']);
    expect(refused.body.error?.message).toBe('origin not allowed');

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

  test('another content type is 415, a body too large 413', async () => {
    const { url } = await newServer({ MCP_MAX_BODY_BYTES: '1000' });
    const text = await post(url, LIST, { headers: { 'content-type': 'text/plain' } });
    expect([text.status, envelope(text)?.['code']]).toEqual([415, 'unsupported_media_type']);
    const large = await post(url, toolCall('process_text', { text: 'x'.repeat(2000) }));
    expect([large.status, envelope(large)?.['code']]).toEqual([413, 'too_large']);
  });

  test('a call beyond the rate limit is 429 with Retry-After; discovery stays open', async () => {
    const { url, metrics } = await newServer({
      MCP_RATE_LIMIT_PER_MINUTE: '1',
      MCP_RATE_LIMIT_BURST: '2',
    });
    expect((await post(url, TEXT)).status).toBe(200);
    expect((await post(url, TEXT)).status).toBe(200);
    const refused = await post(url, TEXT, { id: 'third' });
    expect(refused.status).toBe(429);
    expect(refused.body).toMatchObject({
      id: 'third',
      error: { code: 429, message: 'rate limit exceeded' },
    });
    expect(envelope(refused)).toMatchObject({
      category: 'client_error',
      code: 'rate_limited',
      details: { retry_after_seconds: expect.any(Number) as number },
    });
    const seconds = Number(refused.headers.get('retry-after'));
    expect(seconds).toBeGreaterThan(40);
    expect(seconds).toBeLessThanOrEqual(60);
    expect((await post(url, LIST)).status).toBe(200);
    expect(await metrics()).toContain('mcp_rejected_requests_total{reason="rate_limited"} 1');
  });

  test('an address behind a trusted proxy has a limit of its own, else its word is nothing', async () => {
    const limit = { MCP_RATE_LIMIT_PER_MINUTE: '1', MCP_RATE_LIMIT_BURST: '1' };
    const trusting = await newServer({ ...limit, MCP_TRUSTED_PROXIES: '127.0.0.0/8' });
    const distrusting = await newServer(limit);
    const from = (address: string) => ({ headers: { 'x-forwarded-for': `6.6.6.6, ${address}` } });
    expect((await post(trusting.url, TEXT, from('192.0.2.1'))).status).toBe(200);
    expect((await post(trusting.url, TEXT, from('192.0.2.2'))).status).toBe(200);
    expect((await post(trusting.url, TEXT, from('192.0.2.2'))).status).toBe(429);
    expect((await post(distrusting.url, TEXT, from('192.0.2.1'))).status).toBe(200);
    expect((await post(distrusting.url, TEXT, from('192.0.2.2'))).status).toBe(429);
  });

  test('a call beyond capacity is 503 with Retry-After; discovery stays open', async () => {
    const server = await newServer({
      MCP_ENABLE_WRITES: 'true',
      MCP_MAX_CONCURRENCY: '1',
      MCP_MAX_QUEUE: '0',
    });
    const lasting = await startLasting(server);
    const controller = new AbortController();
    const held = post(server.url, lasting, { signal: controller.signal }).catch(() => undefined);
    await eventually(async () => {
      const refused = await post(server.url, TEXT);
      expect([refused.status, envelope(refused)?.['code']]).toEqual([503, 'overloaded']);
      expect(refused.headers.get('retry-after')).toBe('1');
    });
    expect((await post(server.url, LIST)).status).toBe(200);

    // A client that leaves gives its place back.
    controller.abort();
    await held;
    await eventually(async () => {
      expect((await post(server.url, TEXT)).status).toBe(200);
    });
  });
});

describe('a tool call', () => {
  test('past its timeout answers timeout, the wait for a place included', async () => {
    const server = await newServer({
      MCP_ENABLE_WRITES: 'true',
      MCP_TOOL_TIMEOUT_SECONDS: '1',
      MCP_MAX_CONCURRENCY: '1',
    });
    const lasting = await startLasting(server);
    const start = performance.now();
    const replies = await Promise.all([post(server.url, lasting), post(server.url, lasting)]);
    expect(performance.now() - start).toBeLessThan(1900);
    for (const reply of replies) {
      expect(envelope(reply)).toMatchObject({
        category: 'server_error',
        code: 'timeout',
        message: 'the tool did not finish in time',
        details: {},
      });
    }
  });

  test('whose result is too large says so', async () => {
    const { url } = await newServer({ MCP_MAX_RESULT_BYTES: '50' });
    expect(envelope(await post(url, TEXT))).toMatchObject({ code: 'result_too_large' });
  });

  test('that crashes is internal, and the server lives', async () => {
    const records = await newRecords();
    const server = await newServer({ MCP_API_BASE_URL: records.url });
    vi.spyOn(server.app.records ?? { fetch: vi.fn() }, 'fetch').mockRejectedValueOnce(
      new TypeError('canary-of-a-bug'),
    );
    const lookup = toolCall('lookup_record', { record_id: 'r' });
    const crashed = await post(server.url, lookup);
    expect(envelope(crashed)).toMatchObject({
      category: 'server_error',
      code: 'internal',
      message: 'internal error',
      details: {},
    });
    expect(JSON.stringify([crashed.body, server.logs])).not.toContain('canary-of-a-bug');
    expect(content(await post(server.url, lookup))).toMatchObject({ record_id: 'r' });
  });

  test('reports progress to a client that asked for it', async () => {
    const { url } = await newServer({ MCP_ENABLE_WRITES: 'true' });
    const start = await post(
      url,
      toolCall('start_operation', { steps: 10, step_milliseconds: 150 }),
    );
    const { operation_id } = content(start);
    await eventually(async () => {
      const check = await post(url, toolCall('check_operation_status', { operation_id }));
      expect(content(check)['status']).toBe('running');
    });
    const reply = await post(
      url,
      toolCall('check_operation_status', { operation_id, wait_seconds: 10 }),
      { meta: { progressToken: 'p-1' } },
    );
    expect(content(reply)['status']).toBe('completed');
    const progress = reply.messages.filter(({ method }) => method === 'notifications/progress');
    expect(progress.length).toBeGreaterThan(0);
    expect(progress[0]).toMatchObject({ params: { progressToken: 'p-1', total: 1 } });
  });
});

describe('a correlation id', () => {
  test('of the client is echoed, in errors and on every line of the call', async () => {
    const { url, logs } = await newServer();
    const headers = { 'x-request-id': 'abc.DEF_1-2' };
    const reply = await post(url, toolCall('process_text', { text: '' }), { headers });
    expect(reply.headers.get('x-request-id')).toBe('abc.DEF_1-2');
    expect(envelope(reply)?.['correlation_id']).toBe('abc.DEF_1-2');
    const lines = logs.filter(({ correlation_id }) => correlation_id === 'abc.DEF_1-2');
    expect(lines.map(({ event }) => event)).toEqual(
      expect.arrayContaining(['tool.failed', 'audit.tool_called']),
    );
  });

  test('that is not well-formed is replaced', async () => {
    const { url } = await newServer();
    for (const bad of ['with space', 'x'.repeat(129), '<script>']) {
      const reply = await post(url, LIST, { headers: { 'x-request-id': bad } });
      expect(reply.headers.get('x-request-id')).toMatch(UUID);
    }
  });

  test('is on refusals too', async () => {
    const { url } = await newServer();
    const response = await fetch(`${url}/nothing`);
    expect(response.headers.get('x-request-id')).toMatch(UUID);
  });
});

test('logs have the fields that operators search for', async () => {
  const { url, logged } = await newServer();
  await post(url, TEXT);
  expect(await logged('tool.completed')).toMatchObject({
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
    level: 'INFO',
    logger: expect.any(String) as string,
    correlation_id: expect.stringMatching(UUID) as string,
    tool_name: 'process_text',
    duration_ms: expect.any(Number) as number,
    success: true,
    input_length: expect.any(Number) as number,
    output_length: expect.any(Number) as number,
    error_category: null,
    error_code: null,
  });
  expect(await logged('audit.tool_called')).toMatchObject({
    name: 'process_text',
    outcome: 'success',
    subject: 'anonymous',
    arguments_digest: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
  });
});

test('resources and prompts are read, and audited', async () => {
  const { url, logged } = await newServer({ MCP_API_KEY: 'canary-key' });
  const settings = await post(url, readResource('config://server-settings'));
  const text = contentsText(settings);
  expect(JSON.parse(text)).toMatchObject({
    name: NAME,
    version: VERSION,
    capabilities: ['prompts', 'resources', 'tools'],
    settings: { MCP_SERVER_NAME: NAME, MCP_ENABLE_WRITES: false },
  });
  expect(text).not.toContain('canary');
  expect(await logged('audit.resource_read')).toMatchObject({ name: 'server_settings' });

  const args = { text: 'A long text.' };
  const prompt = await post(url, {
    method: 'prompts/get',
    params: { name: 'summarize_text', arguments: args },
  });
  expect(prompt.body.result?.['messages']).toEqual([
    {
      role: 'user',
      content: {
        type: 'text',
        text: 'Summarize the following text in three sentences or fewer.\n\nA long text.',
      },
    },
  ]);
  expect(await logged('audit.prompt_read')).toMatchObject({ name: 'summarize_text' });
});

describe('a shutdown', () => {
  test('lets calls finish, refuses new ones, and marks what it interrupts failed', async () => {
    const server = await serve({
      MCP_ENABLE_WRITES: 'true',
      MCP_SHUTDOWN_DELAY_SECONDS: '2',
      MCP_SHUTDOWN_GRACE_SECONDS: '5',
    });
    const start = toolCall('start_operation', { steps: 8, step_milliseconds: 100 });
    const { operation_id } = content(await post(server.url, start));
    await eventually(async () => {
      const check = await post(server.url, toolCall('check_operation_status', { operation_id }));
      expect(content(check)['status']).toBe('running');
    });
    const wait = toolCall('check_operation_status', { operation_id, wait_seconds: 10 });
    const waiting = post(server.url, wait);

    const ended = server.stop();
    await server.logged('server.stopping');
    expect(await get(`${server.url}/ready`)).toEqual({ status: 503, body: { status: 'stopping' } });
    expect((await post(server.url, TEXT)).status).toBe(200);

    expect(content(await waiting)['status']).toBe('completed');
    await ended;
    await expect(fetch(`${server.url}/live`)).rejects.toThrow();
    expect(server.logs.at(-1)?.event).toBe('server.stopped');
  });
});
