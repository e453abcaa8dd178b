/** Bearer tokens: JWTs of one issuer for one audience, checked against its published keys. */
import { readFile, stat } from 'node:fs/promises';

import {
  createLocalJWKSet,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  jwtVerify,
  type JWTVerifyGetKey,
} from 'jose';

import type { Identity } from './context.js';
import { AppError } from './errors.js';
import { readText } from './fetch.js';
import { isObject } from './json.js';
import type { Logger } from './observability.js';

export interface AuthOptions {
  readonly issuer: string;
  /** Asked for at each token: the canonical URL may depend on the port that the system chose. */
  readonly audience: () => string;
  readonly source: KeySource;
}

/** Loads the key set anew; throws when that is impossible now. */
export type KeySource = () => Promise<JSONWebKeySet>;

const ALGORITHMS = ['RS256', 'ES256', 'EdDSA'];
const LEEWAY_SECONDS = 30;
const FETCH_TIMEOUT = 5000;
const MAX_KEYS_BYTES = 1_048_576;
const REFETCH_AFTER = 30_000;
const RETRY_AFTER = 1000;
const MAX_AGE = 600_000;

export class Authenticator {
  readonly #options: AuthOptions;
  readonly #keys: KeyCache;

  constructor(options: AuthOptions, logger: Logger) {
    this.#options = options;
    this.#keys = new KeyCache(options.source, logger.child({ logger: 'auth' }));
  }

  /** @throws AppError `unauthenticated`, or `dependency_unavailable` when no key can be had */
  async authenticate(authorization: string | undefined): Promise<Identity> {
    const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
    if (!token) throw new AppError('unauthenticated');
    try {
      const { payload } = await jwtVerify(token, this.#keys.get, {
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
  const { sub: subject } = payload;
  if (subject === undefined || subject === '') throw new AppError('unauthenticated');
  const scopes = ['scope', 'scp', 'permissions'].flatMap((claim) => namesIn(payload[claim]));
  return { subject, scopes: [...new Set(scopes)] };
}

/** Issuers write scopes as text with spaces or as a list. */
function namesIn(claim: unknown): string[] {
  const names: unknown[] = typeof claim === 'string' ? claim.split(' ') : [claim].flat();
  return names.filter((name) => typeof name === 'string' && name !== '') as string[];
}

/** Keys are kept while the issuer is away; an unknown key id asks for new ones every 30 s at most. */
class KeyCache {
  readonly #source: KeySource;
  readonly #logger: Logger;
  #keys: ReturnType<typeof createLocalJWKSet> | undefined;
  #loadedAt = -Infinity;
  #failedAt = -Infinity;
  #loading: Promise<void> | undefined;

  constructor(source: KeySource, logger: Logger) {
    this.#source = source;
    this.#logger = logger;
  }

  readonly get: JWTVerifyGetKey = async (header, token) => {
    if (performance.now() - this.#loadedAt > MAX_AGE) await this.#refresh();
    try {
      return await this.#current()(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      if (performance.now() - this.#loadedAt < REFETCH_AFTER) throw error;
      if (!(await this.#refresh())) throw unavailable();
      return this.#current()(header, token);
    }
  };

  #current(): ReturnType<typeof createLocalJWKSet> {
    if (!this.#keys) throw unavailable();
    return this.#keys;
  }

  /** Whether new keys were loaded; concurrent callers share one load, failures are not repeated at once. */
  async #refresh(): Promise<boolean> {
    if (!this.#loading && performance.now() - this.#failedAt < RETRY_AFTER) return false;
    this.#loading ??= this.#load().finally(() => (this.#loading = undefined));
    try {
      await this.#loading;
      return true;
    } catch {
      return false;
    }
  }

  async #load(): Promise<void> {
    try {
      this.#keys = createLocalJWKSet(await this.#source());
      this.#loadedAt = performance.now();
    } catch (error) {
      this.#failedAt = performance.now();
      this.#logger.warn({ err: error }, 'auth.keys_unavailable');
      throw error;
    }
  }
}

function unavailable(): AppError {
  return new AppError('dependency_unavailable', { message: 'the signing keys are unavailable' });
}

export function keysFromUrl(url: string): KeySource {
  return async () => {
    const signal = AbortSignal.timeout(FETCH_TIMEOUT);
    const response = await fetch(url, { signal, redirect: 'error' });
    if (!response.ok) throw new Error(`status ${response.status}`);
    return parseKeys(await readText(response, MAX_KEYS_BYTES));
  };
}

export function keysFromFile(path: string): KeySource {
  return async () => {
    const { size } = await stat(path);
    if (size > MAX_KEYS_BYTES) throw new Error('the key set is too large');
    return parseKeys(await readFile(path, 'utf8'));
  };
}

function parseKeys(text: string | undefined): JSONWebKeySet {
  if (text === undefined) throw new Error('the key set is too large');
  const value: unknown = JSON.parse(text);
  if (!isObject(value) || !Array.isArray(value['keys'])) throw new Error('not a key set');
  return { keys: value['keys'] as JSONWebKeySet['keys'] };
}
