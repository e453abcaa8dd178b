// Hostile inputs, and secrets that must not come out again.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { afterEach, describe, expect, test } from 'vitest';

import { serve } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { temporaryFolder } from '../support/folders.js';
import { json, startRecords } from '../support/records.js';
import { content, contentsText, envelope, post, readResource, toolCall } from '../support/rpc.js';
import { createIssuer } from '../support/tokens.js';

const started: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of started.splice(0)) await stop();
});

async function newServer(settings: Record<string, string> = {}) {
  const server = await serve({ MCP_RATE_LIMIT_PER_MINUTE: '0', ...settings });
  started.push(server.stop);
  return server;
}

async function newRecords(...answers: Parameters<typeof startRecords>) {
  const records = await startRecords(...answers);
  started.push(records.close);
  return records;
}

describe('requests to other places', () => {
  test.each([
    '../admin',
    '..%2fadmin',
    '%2e%2e',
    'a/b',
    'a?b=c',
    'a#b',
    'a\\b',
    '@evil.example.com',
    'http://169.254.169.254/latest/meta-data',
    'a\r\nHost: evil.example.com',
    'ａ',
    'a\u0000',
    '',
    'a'.repeat(65),
  ])('cannot be made with the record id %j', async (record_id) => {
    const records = await newRecords();
    const { url } = await newServer({ MCP_API_BASE_URL: records.url });
    const reply = await post(url, toolCall('lookup_record', { record_id }));
    expect(envelope(reply)).toMatchObject({ code: 'invalid_argument' });
    expect(records.requests).toEqual([]);
  });

  test('are not made by following a redirect', async () => {
    let reached = false;
    const other = createServer((_request, response) => {
      reached = true;
      response.end('{}');
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const location = `http://127.0.0.1:${port}/`;
    const records = await newRecords(json({}, 307, { location }));
    const { url } = await newServer({ MCP_API_BASE_URL: records.url, MCP_API_KEY: 'k' });
    const reply = await post(url, toolCall('lookup_record', { record_id: 'r' }));
    expect(envelope(reply)).toMatchObject({ code: 'dependency_unavailable' });
    expect(reached).toBe(false);
    other.close();
  });

  test.each([
    'operation://../../etc/passwd',
    'operation://a/b',
    'operation://',
    'file:///etc/passwd',
  ])('the resource %s does not exist', async (uri) => {
    const { url } = await newServer({ MCP_ENABLE_WRITES: 'true' });
    const { body } = await post(url, readResource(uri));
    expect(body.error).toBeDefined();
    expect(body.result).toBeUndefined();
  });
});

describe('strange input', () => {
  test.each<[string, unknown]>([
    ['keys that JavaScript knows', { text: 'a', __proto__x: 1, constructor: {}, toString: 1 }],
    ['a list', { text: ['a'] }],
    ['ill-formed Unicode', { text: 'a\ud800b' }],
    [
      'lists in lists',
      { text: 'a', options: JSON.parse('['.repeat(20) + ']'.repeat(20)) as unknown },
    ],
  ])('%s is an invalid argument that is not repeated', async (_case, args) => {
    const { url } = await newServer();
    const reply = await post(url, toolCall('process_text', args as Record<string, unknown>));
    expect(envelope(reply)).toMatchObject({ code: 'invalid_argument', category: 'client_error' });
  });

  test('a prototype cannot be set', async () => {
    const { url } = await newServer();
    const body = JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'process_text', arguments: { text: 'a', options: 'OPTIONS' } },
    }).replace('"OPTIONS"', '{"__proto__": {"uppercase": true}}');
    const reply = await post(url, toolCall('process_text'), { era: '2025-11-25', body });
    expect(content(reply)['result']).not.toBe('A');
  });

  test('a rejected value is never repeated', async () => {
    const { url, logs } = await newServer();
    const reply = await post(
      url,
      toolCall('process_text', {
        text: 'canary-value'.repeat(100),
        options: { trim: 'canary-value' },
      }),
    );
    expect(envelope(reply)).toMatchObject({ code: 'invalid_argument' });
    expect(JSON.stringify([reply.body, logs])).not.toContain('canary-value');
  });

  test('a body that is no request is refused, and the server lives', async () => {
    const { url } = await newServer();
    for (const body of [
      '{"a":'.repeat(5000) + '1' + '}'.repeat(5000),
      '1e999',
      '"text"',
      'null',
      '',
    ]) {
      const reply = await post(url, toolCall('process_text'), { body });
      expect(reply.body.error).toBeDefined();
      expect(JSON.stringify(reply.body)).not.toMatch(/RangeError|node_modules/);
    }
    expect((await post(url, toolCall('process_text', { text: 'alive' }))).status).toBe(200);
  });
});

test('secrets come out nowhere: neither in answers nor in logs nor in metrics', async () => {
  const issuer = await createIssuer();
  const keyFile = join(temporaryFolder(), 'key');
  writeFileSync(keyFile, 'canary-api-key');
  const records = await newRecords(
    json({ error: 'canary-upstream' }, 500),
    json({ title: 'fine' }),
    json(['canary-upstream']),
  );
  const server = await newServer({
    ...issuer.settings,
    MCP_API_KEY_FILE: keyFile,
    MCP_API_BASE_URL: records.url.replace('http://', 'http://user:canary-password@'),
    MCP_ENABLE_WRITES: 'true',
    MCP_DEBUG_MODE: 'true',
    MCP_LOG_LEVEL: 'DEBUG',
    MCP_MAX_OPERATIONS: '1',
  });
  const token = await issuer.token({
    subject: 'alice',
    claims: { email: 'canary-mail@example.com' },
  });
  const forged = await issuer.token({ issuer: 'https://canary-issuer.example.com' });
  const replies = [];
  for (const [message, bearer] of [
    [toolCall('lookup_record', { record_id: 'canary-record' }), token],
    [toolCall('lookup_record', { record_id: 'canary-record' }), token],
    [toolCall('lookup_record', { record_id: 'canary-record' }), token],
    [toolCall('process_text', { text: 'canary-text', canary: 1 }), token],
    [toolCall('start_operation', { idempotency_key: 'canary-idempotency' }), token],
    [toolCall('canary-tool'), token],
    [readResource('config://server-settings'), token],
    [readResource('canary://resource'), token],
    [
      {
        method: 'prompts/get',
        params: { name: 'summarize_text', arguments: { text: 'canary-prompt' } },
      },
      token,
    ],
    [toolCall('process_text', { text: 'x' }), forged],
  ] as const) {
    replies.push(await post(server.url, message, { token: bearer }));
  }
  const settings = contentsText(replies[6] ?? (replies[0] as never));
  expect(settings).not.toContain('canary');

  const answers = JSON.stringify(replies.map(({ body }) => body));
  for (const secret of ['canary-api-key', 'canary-password', 'canary-upstream', token, forged]) {
    expect(answers, secret).not.toContain(secret);
  }
  await eventually(() => {
    expect(server.logs.some(({ event }) => event === 'audit.secret_read')).toBe(true);
  });
  expect(JSON.stringify(server.logs)).not.toContain('canary');
  for (const bearer of [token, forged]) expect(JSON.stringify(server.logs)).not.toContain(bearer);
  expect(await server.metrics()).not.toContain('canary');
});
