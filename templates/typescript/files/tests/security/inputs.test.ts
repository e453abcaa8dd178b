// Hostile inputs, and secrets that must not come out again.
import { describe, expect, test } from 'vitest';

import { newUpstream, serve } from '../support/app.js';
import { contentsText, envelope, post, readResource, toolCall } from '../support/rpc.js';
import { createIssuer } from '../support/tokens.js';
import { json } from '../support/upstream.js';

describe('requests to other places', () => {
  test.each([
    '../admin',
    'a/b',
    '%2e%2e',
    'a?b=c',
    'a#b',
    'http://169.254.169.254/',
    'a\r\nHost: x',
  ])('cannot be made with the id %j', async (id) => {
    const upstream = await newUpstream();
    const { url } = await serve({ MCP_UPSTREAM_URL: upstream.url });
    const reply = await post(url, toolCall('fetch_item', { id }));
    expect(envelope(reply)).toMatchObject({ code: 'invalid_argument' });
    expect(upstream.requests).toEqual([]);
  });

  test('are not made by following a redirect', async () => {
    const other = await newUpstream();
    const upstream = await newUpstream(json({}, 307, { location: other.url }));
    const { url } = await serve({ MCP_UPSTREAM_URL: upstream.url });
    const reply = await post(url, toolCall('fetch_item', { id: 'one' }));
    expect(envelope(reply)).toMatchObject({ code: 'dependency_unavailable' });
    expect(other.requests).toEqual([]);
  });

  test.each(['fixture://../../etc/passwd', 'fixture://', 'file:///etc/passwd'])(
    'the resource %s does not exist',
    async (uri) => {
      const { url } = await serve();
      const { body } = await post(url, readResource(uri));
      expect(body.error?.message).toBe('Resource not found');
    },
  );
});

describe('strange input', () => {
  test.each<[string, unknown]>([
    ['keys that JavaScript knows', { text: 'a', constructor: {}, toString: 1 }],
    ['a list', { text: ['a'] }],
    [
      'lists in lists',
      { text: 'a', style: JSON.parse('['.repeat(20) + ']'.repeat(20)) as unknown },
    ],
  ])('%s is an invalid argument', async (_case, args) => {
    const { url } = await serve();
    const reply = await post(url, toolCall('echo', args as Record<string, unknown>));
    expect(envelope(reply)).toMatchObject({ code: 'invalid_argument', category: 'client_error' });
  });

  test('a rejected value is never repeated', async () => {
    const { url, logs } = await serve();
    const args = { text: 'canary'.repeat(100), style: { loud: 'canary' } };
    const reply = await post(url, toolCall('echo', args));
    expect(envelope(reply)).toMatchObject({ code: 'invalid_argument' });
    expect(JSON.stringify([reply.body, logs])).not.toContain('canary');
  });

  test('a body that is no request is refused, and the server lives', async () => {
    const { url } = await serve();
    for (const body of [
      `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`,
      '['.repeat(100_000),
      '"text"',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"__proto__"}}',
      '\u0000',
    ]) {
      const reply = await post(url, toolCall('echo'), { body });
      expect(reply.body.error).toBeDefined();
      expect(JSON.stringify(reply.body)).not.toMatch(/RangeError|node_modules/);
    }
    expect((await post(url, toolCall('echo', { text: 'alive' }))).status).toBe(200);
  });
});

test('secrets come out nowhere: neither in answers nor in logs nor in metrics', async () => {
  const issuer = await createIssuer();
  const upstream = await newUpstream(
    json({ error: 'canary-upstream' }, 403),
    json(['canary-upstream'], 500),
  );
  const server = await serve({
    ...issuer.settings,
    MCP_UPSTREAM_URL: upstream.url,
    MCP_STATE_URL: 'redis://user:canary-password@127.0.0.1:1/0',
    MCP_RETRY_ATTEMPTS: '1',
    MCP_ENABLE_WRITES: 'true',
    MCP_DEBUG_MODE: 'true',
    MCP_LOG_LEVEL: 'DEBUG',
  });
  const token = await issuer.token({ claims: { email: 'canary-mail@example.com' } });
  const forged = await issuer.token({ issuer: 'https://canary-issuer.example.com' });
  const canaries = { text: 'canary-text', canary: 1 };
  const replies = [];
  for (const [message, bearer] of [
    [readResource('fixture://about'), token],
    [toolCall('fetch_item', { id: 'canary-item' }), token],
    [toolCall('fetch_item', { id: 'canary-item' }), token],
    [toolCall('echo', canaries), token],
    [toolCall('canary-tool'), token],
    [readResource('canary://resource'), token],
    [{ method: 'canary/method', params: canaries }, token],
    [{ method: 'prompts/get', params: { name: 'greet', arguments: { name: 'canary' } } }, token],
    [toolCall('echo', canaries), forged],
  ] as const) {
    replies.push(await post(server.url, message, { token: bearer }));
  }
  const [about, ...others] = replies;
  expect(about && contentsText(about)).not.toContain('canary');
  const answers = JSON.stringify(others.map(({ body }) => body));
  for (const secret of ['canary-password', 'canary-upstream', token, forged]) {
    expect(answers, secret).not.toContain(secret);
  }
  const written = JSON.stringify(server.logs) + (await server.metrics());
  for (const secret of ['canary', token, forged]) expect(written).not.toContain(secret);
});
