/** The issuer's signing keys: cached, asked for again now and then, used for a while when it is away. */
import { readFile, stat } from 'node:fs/promises';

import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import { request } from 'undici';

import { type AppError, retryLater } from '../errors.js';
import { isObject, parseJson } from '../json.js';
import type { Logger } from '../observability/logs.js';
import type { Metrics } from '../observability/metrics.js';
import { readBounded } from '../resilience/http-client.js';
import { dispatcherFor } from '../settings/proxies.js';

/** Loads the key set anew; throws when that is impossible now. */
export type KeySource = () => Promise<JSONWebKeySet>;

const FETCH_TIMEOUT = 5000;
const MAX_KEYS_BYTES = 1_048_576;
/** Between two loads, whether the last one succeeded or failed. */
const RELOAD_AFTER = 30_000;
const FRESH_FOR = 600_000;
const USABLE_FOR = 3_600_000;

export class KeyCache {
  readonly #source: KeySource;
  readonly #metrics: Metrics;
  readonly #logger: Logger;
  #keys: ReturnType<typeof createLocalJWKSet> | undefined;
  #loadedAt = -Infinity;
  #triedAt = -Infinity;
  #failed = false;
  #loading: Promise<void> | undefined;

  constructor(source: KeySource, metrics: Metrics, logger: Logger) {
    this.#source = source;
    this.#metrics = metrics;
    this.#logger = logger.child({ logger: 'auth' });
  }

  /** Whether the last load succeeded. */
  get healthy(): boolean {
    return !this.#failed;
  }

  /** @throws JWKSNoMatchingKey for an unknown key id, AppError `dependency_unavailable` without keys */
  readonly get: JWTVerifyGetKey = async (header, token) => {
    if (performance.now() - this.#loadedAt > FRESH_FOR) await this.#reload();
    try {
      return await this.#current()(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      if (!(await this.#reload())) {
        if (this.#failed) throw this.#unavailable();
        throw error;
      }
      return this.#current()(header, token);
    }
  };

  #current(): ReturnType<typeof createLocalJWKSet> {
    const usable = performance.now() - this.#loadedAt < USABLE_FOR;
    if (!this.#keys || !usable) throw this.#unavailable();
    return this.#keys;
  }

  #unavailable(): AppError {
    const left = this.#triedAt + RELOAD_AFTER - performance.now();
    return retryLater('dependency_unavailable', left / 1000, 'the signing keys are unavailable');
  }

  /** Whether keys were loaded just now; concurrent callers share one load. */
  async #reload(): Promise<boolean> {
    if (!this.#loading && performance.now() - this.#triedAt < RELOAD_AFTER) return false;
    this.#loading ??= this.#load().finally(() => (this.#loading = undefined));
    await this.#loading;
    return !this.#failed;
  }

  async #load(): Promise<void> {
    const started = performance.now();
    this.#triedAt = started;
    try {
      this.#keys = createLocalJWKSet(await this.#source());
      this.#loadedAt = performance.now();
      this.#failed = false;
    } catch (error) {
      this.#failed = true;
      this.#logger.warn({ err: error }, 'auth.keys_unavailable');
    }
    const seconds = (performance.now() - started) / 1000;
    this.#metrics.dependencyTried('auth', this.#failed ? 'error' : 'success', seconds);
  }
}

export function keysFromUrl(address: string): KeySource {
  const url = new URL(address);
  const dispatcher = dispatcherFor(url, {});
  return async () => {
    const signal = AbortSignal.timeout(FETCH_TIMEOUT);
    const { statusCode, body } = await request(url, { signal, dispatcher });
    if (statusCode !== 200) {
      await body.dump();
      throw new Error(`status ${statusCode}`);
    }
    return parseKeys(await readBounded(body, MAX_KEYS_BYTES));
  };
}

export function keysFromFile(path: string): KeySource {
  return async () => {
    const { size } = await stat(path);
    return parseKeys(size > MAX_KEYS_BYTES ? undefined : await readFile(path));
  };
}

function parseKeys(bytes: Uint8Array | undefined): JSONWebKeySet {
  if (bytes === undefined) throw new Error('the key set is too large');
  const value = parseJson(bytes);
  if (!isObject(value) || !Array.isArray(value['keys'])) throw new Error('not a key set');
  return { keys: value['keys'] as JSONWebKeySet['keys'] };
}
