/** Bearer tokens: JWTs of one issuer for one audience, checked against its published keys. */
import { errors, type JWTPayload, jwtVerify, type JWTVerifyGetKey } from 'jose';

import type { Identity } from '../context.js';
import { AppError } from '../errors.js';

export interface AuthOptions {
  readonly issuer: string;
  /** Asked for at each token: the canonical URL may depend on the port that the system chose. */
  readonly audience: () => string;
  readonly keys: JWTVerifyGetKey;
}

const ALGORITHMS = ['RS256', 'ES256', 'EdDSA'];
const LEEWAY_SECONDS = 30;

export class Authenticator {
  readonly #options: AuthOptions;

  constructor(options: AuthOptions) {
    this.#options = options;
  }

  /** @throws AppError `unauthenticated`, or `dependency_unavailable` when no key can be had */
  async authenticate(authorization: string | undefined): Promise<Identity> {
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    if (!token) throw new AppError('unauthenticated');
    try {
      const { payload } = await jwtVerify(token, this.#options.keys, {
        issuer: this.#options.issuer,
        audience: this.#options.audience(),
        algorithms: ALGORITHMS,
        clockTolerance: LEEWAY_SECONDS,
        requiredClaims: ['exp', 'sub'],
      });
      return identityOf(payload);
    } catch (error) {
      if (error instanceof errors.JOSEError)
        throw new AppError('unauthenticated', { cause: error });
      throw error;
    }
  }
}

function identityOf(payload: JWTPayload): Identity {
  const { sub: subject, iat = 0 } = payload;
  // jose checks that there is a subject, not that it is text.
  const named: unknown = subject;
  const fromTheFuture = iat > Date.now() / 1000 + LEEWAY_SECONDS;
  if (typeof named !== 'string' || named === '' || fromTheFuture) {
    throw new AppError('unauthenticated');
  }
  const scopes = ['scope', 'scp', 'permissions'].flatMap((claim) => namesIn(payload[claim]));
  return { subject: named, scopes: [...new Set(scopes)] };
}

/** Issuers write scopes as text with white space or as a list. */
function namesIn(claim: unknown): string[] {
  const names: unknown[] = typeof claim === 'string' ? claim.split(/\s+/) : [claim].flat();
  return names.filter((name) => typeof name === 'string' && name !== '') as string[];
}
