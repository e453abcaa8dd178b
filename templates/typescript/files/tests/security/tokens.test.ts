// Tokens: what is let in, and the many ways to be kept out.
import { exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { beforeEach, describe, expect, test } from 'vitest';

import { serve, type TestServer } from '../support/app.js';
import { content, envelope, post, toolCall } from '../support/rpc.js';
import { createIssuer, type Issuer } from '../support/tokens.js';

const ECHO = toolCall('echo', { text: 'words' });
const IN_TEN_MINUTES = () => Math.floor(Date.now() / 1000) + 600;

let issuer: Issuer;
let server: TestServer;

beforeEach(async () => {
  issuer = await createIssuer();
  server = await serve(issuer.settings);
});

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const claims = () => ({
  sub: 'alice',
  scope: 'fixture:read',
  iss: issuer.issuer,
  aud: issuer.audience,
  exp: IN_TEN_MINUTES(),
});

describe('are let in', () => {
  test.each<[string, () => Promise<string>]>([
    ['with scopes in scope', () => issuer.token({ scopes: ['fixture:read'] })],
    ['with scopes in scp', () => issuer.token({ scopes: [], claims: { scp: ['fixture:read'] } })],
    [
      'with permissions',
      () => issuer.token({ scopes: [], claims: { permissions: ['fixture:read'] } }),
    ],
    ['with several audiences', () => issuer.token({ claims: { aud: ['x', issuer.audience] } })],
    ['expired within the leeway', () => issuer.token({ expiresIn: -10 })],
    ['valid in a moment, within the leeway', () => issuer.token({ notBefore: 10 })],
  ])('%s', async (_case, token) => {
    const reply = await post(server.url, ECHO, { token: await token() });
    expect(content(reply)).toMatchObject({ text: 'words' });
  });
});

describe('are kept out', () => {
  test.each<[string, () => string | Promise<string>]>([
    ['garbage', () => 'garbage'],
    ['three parts of garbage', () => 'a.b.c'],
    ['unsigned', () => new UnsecuredJWT(claims()).encode()],
    ['unsigned, in another spelling', () => `${encode({ alg: 'nOnE' })}.${encode(claims())}.`],
    ['expired', () => issuer.token({ expiresIn: -60 })],
    ['not valid yet', () => issuer.token({ notBefore: 60 })],
    ['of another issuer', () => issuer.token({ issuer: 'https://evil.example.com' })],
    ['of an issuer with a slash more', () => issuer.token({ issuer: `${issuer.issuer}/` })],
    ['for another audience', () => issuer.token({ audience: 'https://other.example.com/mcp' })],
    ['for a longer audience', () => issuer.token({ audience: `${issuer.audience}/more` })],
    ['without an audience', () => issuer.token({ claims: { aud: undefined } })],
    ['without an end', () => issuer.token({ claims: { exp: undefined } })],
    ['without a subject', () => issuer.token({ claims: { sub: undefined } })],
    ['with an empty subject', () => issuer.token({ subject: '' })],
    ['of an unknown key', () => issuer.token({ keyId: 'key-9' })],
    [
      'signed with another key under a known id',
      async () => issuer.token({}, (await generateKeyPair('ES256')).privateKey),
    ],
    [
      'signed with the public key as a shared secret',
      async () => {
        const secret = new TextEncoder().encode(await exportSPKI(issuer.publicKey));
        const jwt = new SignJWT(claims()).setProtectedHeader({ alg: 'HS256', kid: 'key-1' });
        return jwt.sign(secret);
      },
    ],
    [
      'that bring their own key',
      async () => {
        const own = await createIssuer();
        const header = { alg: 'ES256', jwk: own.jwk };
        return new SignJWT(claims()).setProtectedHeader(header).sign(own.privateKey);
      },
    ],
    [
      'with a critical extension that is not understood',
      async () => {
        const [, payload, signature] = (await issuer.token()).split('.');
        return [encode({ alg: 'ES256', kid: 'key-1', crit: ['x'], x: 1 }), payload, signature].join(
          '.',
        );
      },
    ],
    [
      'whose claims were changed',
      async () => {
        const [header, , signature] = (await issuer.token()).split('.');
        return [header, encode({ ...claims(), sub: 'admin' }), signature].join('.');
      },
    ],
  ])('%s', async (_case, token) => {
    const reply = await post(server.url, ECHO, { token: await token(), id: 'call' });
    expect(reply.status).toBe(401);
    expect(reply.body).toMatchObject({
      jsonrpc: '2.0',
      error: { code: 401, message: 'a valid bearer token is required' },
    });
    expect(envelope(reply)).toMatchObject({ category: 'client_error', code: 'unauthenticated' });
    expect(reply.headers.get('www-authenticate')).toBe(
      `Bearer error="invalid_token", scope="about:read fixture:read", resource_metadata="${server.url}/.well-known/oauth-protected-resource/mcp"`,
    );
  });

  test('without any token, even to list, and in no other place than the header', async () => {
    const token = await issuer.token();
    for (const [message, headers] of [
      [ECHO, {}],
      [{ method: 'tools/list', params: {} }, {}],
      [{ method: 'server/discover', params: {} }, {}],
      [ECHO, { authorization: 'Basic YWxpY2U6c2VjcmV0' }],
      [ECHO, { cookie: `access_token=${token}` }],
    ] as const) {
      expect((await post(server.url, message, { headers })).status).toBe(401);
    }
    const inQuery = await fetch(`${server.url}/mcp?access_token=${token}`, { method: 'POST' });
    expect(inQuery.status).toBe(401);
    expect(inQuery.headers.get('www-authenticate')).not.toContain('error=');
  });
});

test('the metadata of the resource say where tokens come from', async () => {
  const response = await fetch(`${server.url}/.well-known/oauth-protected-resource/mcp`);
  expect(await response.json()).toEqual({
    resource: `${server.url}/mcp`,
    authorization_servers: [issuer.issuer],
    scopes_supported: ['about:read', 'fixture:read'],
    bearer_methods_supported: ['header'],
  });
});
