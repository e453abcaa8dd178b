// Who may do what: scopes, and what belongs to others.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { resources, tools } from '../../src/tools/registry.js';
import { serve, type TestServer } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { startRecords, type Records } from '../support/records.js';
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
import { ALL_SCOPES, createIssuer, type Issuer } from '../support/tokens.js';

const ID = 'abcdefghijklmnop';
const ARGUMENTS: Record<string, Record<string, unknown>> = {
  process_text: { text: 'words' },
  lookup_record: { record_id: 'r-1' },
  start_operation: { steps: 1, step_milliseconds: 0 },
  check_operation_status: { operation_id: ID },
  cancel_operation: { operation_id: ID },
};

let issuer: Issuer;
let records: Records;
let server: TestServer;

beforeAll(async () => {
  issuer = await createIssuer();
  records = await startRecords();
  server = await serve({
    ...issuer.settings,
    MCP_ENABLE_WRITES: 'true',
    MCP_API_BASE_URL: records.url,
    MCP_RATE_LIMIT_PER_MINUTE: '0',
  });
});
afterAll(async () => {
  await server.stop();
  await records.close();
});

describe.each([MODERN, LEGACY] as const)('scopes, %s', (era) => {
  const calls = [
    ...tools.map(({ name, scope }) => ({ name, scope, message: toolCall(name, ARGUMENTS[name]) })),
    ...resources.map(({ name, scope, uri }) => ({
      name,
      scope,
      message: readResource(uri.replace('{operation_id}', ID)),
    })),
  ];

  test.each(calls)('$name needs $scope, and nothing else will do', async ({ scope, message }) => {
    const others = ALL_SCOPES.filter((candidate) => candidate !== scope);
    const near = [scope.toUpperCase(), `${scope}x`, scope.replace(':', ' '), '*'];
    for (const scopes of [[], others, near]) {
      const reply = await post(server.url, message, { era, token: await issuer.token({ scopes }) });
      expect(reply.status).toBe(403);
      expect(envelope(reply)).toMatchObject({
        code: 'insufficient_scope',
        message: `scope required: ${scope}`,
        details: { required_scopes: [scope] },
      });
      expect(reply.headers.get('www-authenticate')).toMatch(
        `Bearer error="insufficient_scope", scope="${scope}", resource_metadata="`,
      );
    }
    const allowed = await post(server.url, message, {
      era,
      token: await issuer.token({ scopes: [scope] }),
    });
    expect(allowed.status).toBe(200);
  });

  test('the body decides, whatever the headers say', async () => {
    const reply = await post(server.url, toolCall('start_operation'), {
      era,
      token: await issuer.token({ scopes: ['text:read'] }),
      headers: { 'mcp-name': 'process_text', 'mcp-method': 'tools/list' },
    });
    expect([400, 403]).toContain(reply.status);
    expect(content(reply)).toEqual({});
  });
});

test('what another subject started does not exist', async () => {
  const alice = await issuer.token({ subject: 'alice' });
  const bob = await issuer.token({ subject: 'bob' });
  const args = { steps: 100, step_milliseconds: 1000, idempotency_key: 'shared-key' };
  const start = (token: string) => post(server.url, toolCall('start_operation', args), { token });
  const { operation_id } = content(await start(alice));
  expect(content(await start(bob))['operation_id']).not.toBe(operation_id);

  for (const name of ['check_operation_status', 'cancel_operation']) {
    const message = toolCall(name, { operation_id });
    const foreign = envelope(await post(server.url, message, { token: bob }));
    const missing = envelope(
      await post(server.url, toolCall(name, { operation_id: ID }), { token: bob }),
    );
    expect(foreign).toMatchObject({ code: 'operation_not_found', category: 'business_error' });
    expect({ ...foreign, correlation_id: '' }).toEqual({ ...missing, correlation_id: '' });
  }
  const uri = `operation://${String(operation_id)}`;
  const foreign = await post(server.url, readResource(uri), { token: bob });
  expect(foreign.body.error).toBeDefined();
  expect(foreign.body.result).toBeUndefined();

  const own = await post(server.url, readResource(uri), { token: alice });
  expect(JSON.parse(contentsText(own))).toMatchObject({ operation_id });
  const cancelled = await post(server.url, toolCall('cancel_operation', { operation_id }), {
    token: alice,
  });
  expect(content(cancelled)).toMatchObject({ status: 'cancelled' });
});

test('tools with side effects are neither listed nor callable until writes are enabled', async () => {
  const readOnly = await serve(issuer.settings);
  const token = await issuer.token();
  const list = await post(readOnly.url, { method: 'tools/list', params: {} }, { token });
  const listed = list.body.result?.['tools'] as { name: string }[];
  expect(listed.map(({ name }) => name)).toEqual(['process_text']);
  for (const { name } of tools.filter((tool) => tool.name !== 'process_text')) {
    const { body } = await post(readOnly.url, toolCall(name, ARGUMENTS[name]), { token });
    expect(body.error?.code).toBe(-32602);
  }
  await readOnly.stop();
});

test('the limit of running operations is per subject', async () => {
  const limited = await serve({
    ...issuer.settings,
    MCP_ENABLE_WRITES: 'true',
    MCP_MAX_OPERATIONS: '1',
    MCP_SHUTDOWN_GRACE_SECONDS: '1',
  });
  const start = async (subject: string) =>
    post(limited.url, toolCall('start_operation', { steps: 100, step_milliseconds: 1000 }), {
      token: await issuer.token({ subject }),
    });
  expect(content(await start('alice'))['status']).toBe('started');
  expect(envelope(await start('alice'))).toMatchObject({ code: 'too_many_operations' });
  expect(content(await start('bob'))['status']).toBe('started');
  await limited.stop();
});

test('refusals are audited with the subject and counted', async () => {
  const token = await issuer.token({ subject: 'carol', scopes: [] });
  await post(server.url, toolCall('process_text', { text: 'canary-text' }), { token });
  await eventually(async () => {
    const denied = server.logs.filter(
      ({ event, subject }) => event === 'audit.denied' && subject === 'carol',
    );
    expect(denied).toMatchObject([{ name: 'process_text', outcome: 'insufficient_scope' }]);
    expect(JSON.stringify(denied)).not.toContain('canary-text');
    expect(await server.metrics()).toMatch(
      /mcp_rejected_requests_total\{reason="insufficient_scope"\} \d/,
    );
  });
});
