import { SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { KeyCache } from '../../src/chassis/auth/keys.js';
import { Authenticator } from '../../src/chassis/auth/tokens.js';
import { createMetrics } from '../../src/chassis/observability/metrics.js';
import { silentLogger } from '../support/app.js';
import { failure } from '../support/tools.js';
import { createIssuer, type Issuer } from '../support/tokens.js';

describe('signing keys', () => {
  let issuer: Issuer;
  let away: boolean;
  let loads: number;
  let cache: KeyCache;
  let authenticator: Authenticator;

  beforeEach(async () => {
    issuer = await createIssuer();
    away = false;
    loads = 0;
    const source = () => {
      loads += 1;
      return away ? Promise.reject(new Error('away')) : Promise.resolve(issuer.jwks);
    };
    cache = new KeyCache(source, createMetrics(), silentLogger());
    const { issuer: name, audience } = issuer;
    authenticator = new Authenticator({ issuer: name, audience: () => audience, keys: cache.get });
    vi.useFakeTimers({ toFake: ['performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const authenticate = async (keyId = 'key-1') =>
    authenticator.authenticate(`Bearer ${await issuer.token({ keyId })}`);

  test('are asked for every 30 s at most, whoever makes up key ids', async () => {
    await authenticate();
    for (let call = 0; call < 3; call += 1) {
      expect((await failure(authenticate('made-up'))).code).toBe('unauthenticated');
    }
    expect(loads).toBe(1);
    vi.advanceTimersByTime(31_000);
    await failure(authenticate('made-up'));
    expect(loads).toBe(2);
  });

  test('that cannot be had are our trouble, which health tells and time mends', async () => {
    away = true;
    for (let call = 0; call < 3; call += 1) {
      const error = await failure(authenticate());
      expect(error.code).toBe('dependency_unavailable');
      expect(error.details['retry_after_seconds']).toBe(30);
    }
    expect([loads, cache.healthy]).toEqual([1, false]);
    away = false;
    vi.advanceTimersByTime(31_000);
    expect(await authenticate()).toMatchObject({ subject: 'alice' });
    expect(cache.healthy).toBe(true);
  });

  test('are used for an hour while they cannot be fetched, not longer', async () => {
    await authenticate();
    away = true;
    vi.advanceTimersByTime(3_500_000);
    expect(await authenticate()).toMatchObject({ subject: 'alice' });
    vi.advanceTimersByTime(200_000);
    expect((await failure(authenticate())).code).toBe('dependency_unavailable');
  });
});

test('the claims of a token are read strictly', async () => {
  const issuer = await createIssuer();
  const source = () => Promise.resolve(issuer.jwks);
  const cache = new KeyCache(source, createMetrics(), silentLogger());
  const { issuer: name, audience } = issuer;
  const authenticator = new Authenticator({
    issuer: name,
    audience: () => audience,
    keys: cache.get,
  });
  const seconds = Math.floor(Date.now() / 1000);
  const sign = (claims: object) =>
    new SignJWT({ sub: 'alice', iss: name, aud: audience, exp: seconds + 600, ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: 'key-1' })
      .sign(issuer.privateKey);
  for (const claims of [{ sub: '' }, { sub: 5 }, { sub: {} }, { iat: seconds + 600 }]) {
    const refused = authenticator.authenticate(`Bearer ${await sign(claims)}`);
    expect((await failure(refused)).code, JSON.stringify(claims)).toBe('unauthenticated');
  }
  const token = await sign({ scope: 'a\tb\n c', scp: ['d'], permissions: ['d', 5] });
  const { scopes } = await authenticator.authenticate(`Bearer ${token}`);
  expect(scopes).toEqual(['a', 'b', 'c', 'd']);
});
