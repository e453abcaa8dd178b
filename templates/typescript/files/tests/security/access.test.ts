// Who may do what: scopes, and what belongs to others.
import { describe, expect, test } from 'vitest';

import type { ServerDefinition } from '../../src/chassis/declarations.js';
import { server as shipped } from '../../src/server.js';
import { fixture } from '../fixtures/server.js';
import { serve } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { envelope, LEGACY, MODERN, post, readResource, toolCall } from '../support/rpc.js';
import { createIssuer } from '../support/tokens.js';

/** A server that offers all of `definition`, whatever its settings. */
async function serveAll(definition: ServerDefinition) {
  const issuer = await createIssuer();
  const offer = { uses: [], needs: () => true };
  const everything = {
    ...definition,
    tools: definition.tools.map((tool) => ({ ...tool, ...offer })),
    resources: definition.resources.map((resource) => ({ ...resource, ...offer })),
  };
  const settings = {
    ...issuer.settings,
    MCP_ENABLE_WRITES: 'true',
    MCP_RATE_LIMIT_PER_MINUTE: '0',
  };
  return { issuer, ...(await serve(settings, everything)) };
}

describe.each([
  ['the fixtures', fixture],
  ['what is shipped', shipped],
])('the scopes of %s', (_which, definition) => {
  const calls = [
    ...definition.tools.map(({ name, scope }) => ({ scope, message: toolCall(name) })),
    ...definition.resources.map(({ uri, scope }) => ({
      scope,
      message: readResource(uri.replace(/\{\w+\}/, 'abcdefghijklmnop')),
    })),
  ];
  const scopes = [...new Set(calls.map(({ scope }) => scope))];

  test.each([MODERN, LEGACY] as const)('are needed, and nothing else will do, %s', async (era) => {
    const { issuer, url } = await serveAll(definition);
    for (const { scope, message } of calls) {
      const near = [scope.toUpperCase(), `${scope}x`, scope.replace(':', ' '), '*'];
      for (const wrong of [[], near, scopes.filter((other) => other !== scope)]) {
        const token = await issuer.token({ scopes: wrong });
        const reply = await post(url, message, { era, token });
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
      const token = await issuer.token({ scopes: [scope] });
      expect((await post(url, message, { era, token })).status).toBe(200);
    }
  });
});

test('the body decides, whatever the headers say', async () => {
  const { issuer, url } = await serveAll(fixture);
  for (const era of [MODERN, LEGACY] as const) {
    const reply = await post(url, toolCall('write'), {
      era,
      token: await issuer.token({ scopes: ['fixture:read'] }),
      headers: { 'mcp-name': 'echo', 'mcp-method': 'tools/list' },
    });
    expect(reply.status).toBe(403);
  }
});

test('tools with side effects are neither listed nor callable until writes are enabled', async () => {
  const { url } = await serve();
  const list = await post(url, { method: 'tools/list', params: {} });
  const listed = list.body.result?.['tools'] as { name: string }[];
  expect(listed.map(({ name }) => name)).toEqual(['echo', 'crash', 'wait']);
  for (const name of ['write', 'fetch_item']) {
    expect((await post(url, toolCall(name))).body.error?.code).toBe(-32602);
  }
});

test('only chosen tools are offered', async () => {
  const { app } = await serve({ MCP_TOOLS_ENABLED: 'echo,wait', MCP_TOOLS_DISABLED: 'wait' });
  expect([...app.tools.keys()]).toEqual(['echo']);
  await expect(serve({ MCP_TOOLS_DISABLED: 'ehco' })).rejects.toThrow(
    'MCP_TOOLS_DISABLED=ehco: expected names among crash, echo, fetch_item, wait, write',
  );
});

test('refusals are audited with the subject and counted', async () => {
  const { issuer, url, logs, metrics } = await serveAll(fixture);
  const token = await issuer.token({ subject: 'carol', scopes: [] });
  await post(url, toolCall('echo', { text: 'canary-text' }), { token });
  await eventually(() => {
    const denied = logs.filter(({ event }) => event === 'audit.denied');
    expect(denied).toMatchObject([
      { subject: 'carol', name: 'echo', outcome: 'insufficient_scope' },
    ]);
    expect(JSON.stringify(denied)).not.toContain('canary-text');
  });
  expect(await metrics()).toContain('mcp_rejected_requests_total{reason="insufficient_scope"} 1');
});
