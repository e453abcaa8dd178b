import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWTPayload } from 'jose';

import { temporaryFolder } from './folders.js';

export const ALL_SCOPES = ['about:read', 'fixture:read', 'fixture:write'];

export interface TokenOptions {
  subject?: string;
  scopes?: string[];
  audience?: string;
  issuer?: string;
  /** Seconds from now. */
  expiresIn?: number;
  notBefore?: number;
  keyId?: string;
  claims?: JWTPayload;
}

/** An authorization server in miniature: a signing key, its JWKS file, and tokens. */
export async function createIssuer(audience = 'http://127.0.0.1/mcp') {
  const issuer = 'https://issuer.example.com';
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'key-1', alg: 'ES256', use: 'sig' };
  const jwks = { keys: [jwk] };
  const jwksFile = join(temporaryFolder(), 'jwks.json');
  writeFileSync(jwksFile, JSON.stringify(jwks));

  function token(options: TokenOptions = {}, key: CryptoKey = privateKey): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const jwt = new SignJWT({
      scope: (options.scopes ?? ALL_SCOPES).join(' '),
      sub: options.subject ?? 'alice',
      iss: options.issuer ?? issuer,
      aud: options.audience ?? audience,
      iat: now,
      exp: now + (options.expiresIn ?? 600),
      ...(options.notBefore === undefined ? {} : { nbf: now + options.notBefore }),
      ...options.claims,
    });
    return jwt.setProtectedHeader({ alg: 'ES256', kid: options.keyId ?? 'key-1' }).sign(key);
  }

  /** The settings with which a server trusts this issuer. */
  const settings = {
    MCP_AUTH_MODE: 'jwt',
    MCP_AUTH_ISSUER: issuer,
    MCP_AUTH_AUDIENCE: audience,
    MCP_AUTH_JWKS_FILE: jwksFile,
  };
  return { issuer, audience, jwk, jwks, privateKey, publicKey, settings, token };
}

export type Issuer = Awaited<ReturnType<typeof createIssuer>>;
