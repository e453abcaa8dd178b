// A tool call over HTTP: what it answers, what is written about it.
import { describe, expect, test } from 'vitest';

import { newUpstream, serve } from '../support/app.js';
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
import { json } from '../support/upstream.js';

const ECHO = toolCall('echo', { text: 'some words' });
const UUID = /^[0-9a-f-]{36}$/;

describe.each([MODERN, LEGACY] as const)('a call, %s', (era) => {
  test('answers with text and structured content', async () => {
    const { url } = await serve();
    const reply = await post(url, ECHO, { era, id: 'call-1' });
    expect([reply.status, reply.body.id]).toEqual([200, 'call-1']);
    expect(content(reply)).toEqual({ text: 'some words' });
    expect(JSON.parse(reply.body.result?.content?.[0]?.text ?? '')).toEqual(content(reply));
  });

  test('past its timeout answers timeout, the wait for a place included', async () => {
    const { url } = await serve({ MCP_TOOL_TIMEOUT_SECONDS: '0.5', MCP_MAX_CONCURRENCY: '1' });
    const wait = toolCall('wait', { seconds: 20 });
    const replies = await Promise.all([post(url, wait, { era }), post(url, wait, { era })]);
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
    const { url } = await serve({ MCP_MAX_RESULT_BYTES: '10' });
    expect(envelope(await post(url, ECHO, { era }))).toMatchObject({ code: 'result_too_large' });
  });

  test('that crashes is internal, and the server lives', async () => {
    const { url, logs } = await serve();
    const crashed = await post(url, toolCall('crash'), { era });
    expect(envelope(crashed)).toMatchObject({
      category: 'server_error',
      code: 'internal',
      message: 'internal error',
      details: {},
    });
    expect(JSON.stringify([crashed.body, logs])).not.toContain('canary-of-a-bug');
    expect((await post(url, ECHO, { era })).status).toBe(200);
  });

  test('reports progress to a client that asked for it, and only then', async () => {
    const { url } = await serve();
    const wait = toolCall('wait', { seconds: 0.05 });
    const reply = await post(url, wait, { era, meta: { progressToken: 'p-1' } });
    expect(content(reply)).toEqual({ waited: true });
    expect(reply.messages[0]).toMatchObject({
      method: 'notifications/progress',
      params: { progressToken: 'p-1', progress: 0.5, total: 1 },
    });
    expect((await post(url, wait, { era })).messages).toHaveLength(1);
  });

  test('fails with the business error that the tool documents', async () => {
    const { url } = await serve({ MCP_ENABLE_WRITES: 'true' });
    const reply = await post(url, toolCall('write', { conflict: true }), { era });
    expect(envelope(reply)).toMatchObject({
      category: 'business_error',
      code: 'write_conflict',
      message: 'conflict: try again',
    });
  });
});

describe('a correlation id', () => {
  test('of the client is echoed, in errors and on every line of the call', async () => {
    const { url, logs } = await serve();
    const headers = { 'x-request-id': 'abc.DEF_1-2' };
    const reply = await post(url, toolCall('echo', { text: '' }), { headers });
    expect(reply.headers.get('x-request-id')).toBe('abc.DEF_1-2');
    expect(envelope(reply)?.['correlation_id']).toBe('abc.DEF_1-2');
    const lines = logs.filter(({ correlation_id }) => correlation_id === 'abc.DEF_1-2');
    expect(lines.map(({ event }) => event)).toEqual(
      expect.arrayContaining(['tool.failed', 'audit.tool_called']),
    );
  });

  test('that is not well-formed is replaced, on refusals too', async () => {
    const { url } = await serve();
    for (const bad of ['with space', 'x'.repeat(129), '<script>']) {
      const reply = await post(url, ECHO, { headers: { 'x-request-id': bad } });
      expect(reply.headers.get('x-request-id')).toMatch(UUID);
    }
    expect((await fetch(`${url}/nothing`)).headers.get('x-request-id')).toMatch(UUID);
  });
});

test('logs have the fields that operators search for', async () => {
  const { url, logged } = await serve();
  await post(url, toolCall('echo', { text: '😀' }));
  expect(await logged('tool.completed')).toMatchObject({
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
    level: 'INFO',
    logger: 'tools',
    correlation_id: expect.stringMatching(UUID) as string,
    tool_name: 'echo',
    duration_ms: expect.any(Number) as number,
    success: true,
    input_length: '{"text":"_"}'.length,
    output_length: '{"text":"_"}'.length,
    error_category: null,
    error_code: null,
  });
  expect(await logged('audit.tool_called')).toMatchObject({
    name: 'echo',
    outcome: 'success',
    subject: 'anonymous',
    arguments_digest: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
  });
});

test('resources and prompts are read, and audited', async () => {
  const { url, logged } = await serve();
  const item = await post(url, readResource('fixture://items/one'));
  expect(contentsText(item)).toBe('one of anonymous');
  expect(await logged('audit.resource_read')).toMatchObject({ name: 'item', outcome: 'success' });

  const params = { name: 'greet', arguments: { name: 'you \ud800' } };
  const { body } = await post(url, { method: 'prompts/get', params });
  expect(body.result?.['messages']).toEqual([
    { role: 'user', content: { type: 'text', text: 'Hello you \ufffd' } },
  ]);
  expect(await logged('audit.prompt_read')).toMatchObject({ name: 'greet' });
  expect(await logged('contract.deprecated_used')).toMatchObject({ contract: 'greet' });
});

test('of the caller nothing but the trace goes on to a service', async () => {
  const upstream = await newUpstream(json({ title: 'Kept' }));
  const { url } = await serve({ MCP_UPSTREAM_URL: upstream.url });
  const traceparent = `00-${'1'.repeat(32)}-b7ad6b7169203331-01`;
  const headers = {
    traceparent,
    baggage: 'user=canary',
    cookie: 'canary',
    'x-request-id': 'canary',
  };
  const reply = await post(url, toolCall('fetch_item', { id: 'one' }), { headers });
  expect(content(reply)).toEqual({ item: { title: 'Kept' } });
  expect(JSON.stringify(upstream.requests)).not.toContain('canary');
});
