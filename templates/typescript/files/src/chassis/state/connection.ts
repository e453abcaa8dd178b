/** The connection to Redis: it knows whether Redis is in reach, and comes back by itself. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

import { createClient } from '@redis/client';

import { AppError } from '../errors.js';
import type { Logger } from '../observability/logs.js';
import type { Metrics } from '../observability/metrics.js';
import { NAME } from '../package.js';
import type { Secret } from '../settings/secrets.js';

type Client = ReturnType<typeof openClient>;

const COMMAND_TIMEOUT = 2000;
const CHECK_INTERVAL = 2000;
const PROBE = `{${NAME}}:health`;

/** A Lua script, sent as its digest once Redis knows it. */
export class Script {
  readonly text: string;
  readonly sha: string;

  private constructor(text: string) {
    this.text = text;
    this.sha = createHash('sha1').update(text).digest('hex');
  }

  /** `name.lua` of this folder. */
  static load(name: string): Script {
    return new Script(readFileSync(new URL(`${name}.lua`, import.meta.url), 'utf8'));
  }
}

/** Follows a rotated URL, and gives up on a command after two seconds. */
export class RedisConnection {
  readonly #secret: Secret;
  readonly #metrics: Metrics;
  readonly #logger: Logger;
  readonly #closing = new AbortController();
  #client: Client | undefined;
  #url = '';
  #healthy = false;

  constructor(secret: Secret, metrics: Metrics, logger: Logger) {
    this.#secret = secret;
    this.#metrics = metrics;
    this.#logger = logger.child({ logger: 'state' });
  }

  get healthy(): boolean {
    return this.#healthy;
  }

  /** Resolves when Redis answered for the first time, and keeps watching it. */
  connect(): Promise<void> {
    return new Promise((resolve) => {
      void this.#watch(resolve);
    });
  }

  /** @throws AppError `dependency_unavailable` within two seconds */
  async run(script: Script, keys: string[], args: readonly (string | number)[]): Promise<unknown> {
    const options = { keys, arguments: args.map(String) };
    return this.#command(async (client) => {
      try {
        return await client.evalSha(script.sha, options);
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
        return client.eval(script.text, options);
      }
    });
  }

  close(): Promise<void> {
    this.#closing.abort();
    this.#client?.destroy();
    return Promise.resolve();
  }

  async #watch(reached: () => void): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await this.#followUrl();
        // A write, because a Redis that is full still answers a PING.
        await this.#command((client) => client.set(PROBE, '1', { EX: 60 }));
        this.#note(true);
        reached();
      } catch (error) {
        if (!(error instanceof AppError)) this.#note(false, error);
      }
      await sleep(CHECK_INTERVAL, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  async #followUrl(): Promise<void> {
    const url = await this.#secret.read();
    if (url === this.#url && this.#client?.isOpen) return;
    this.#client?.destroy();
    const client = openClient(url);
    client.on('error', (error: unknown) => {
      this.#note(false, error);
    });
    this.#client = client;
    this.#url = url;
    // It goes on trying in the background, however often it fails at first.
    const connected = client.connect().catch(() => undefined);
    await Promise.race([connected, sleep(COMMAND_TIMEOUT, undefined, { ref: false })]);
  }

  async #command<T>(command: (client: Client) => Promise<T>): Promise<T> {
    const started = performance.now();
    let outcome: 'success' | 'error' | 'timeout' = 'error';
    const giveUp = new AbortController();
    const timeout = sleep(COMMAND_TIMEOUT, undefined, { signal: giveUp.signal }).then(() => {
      outcome = 'timeout';
      throw new Error('no answer in time');
    });
    try {
      if (!this.#client?.isReady) throw new Error('not connected');
      const result = await Promise.race([command(this.#client), timeout]);
      outcome = 'success';
      return result;
    } catch (error) {
      this.#note(false, error);
      const message = 'state is unavailable';
      throw new AppError('dependency_unavailable', { message, cause: error });
    } finally {
      timeout.catch(() => undefined);
      giveUp.abort();
      this.#metrics.dependencyTried('state', outcome, (performance.now() - started) / 1000);
    }
  }

  #note(healthy: boolean, error?: unknown): void {
    if (healthy === this.#healthy || this.#closing.signal.aborted) return;
    this.#healthy = healthy;
    if (healthy) this.#logger.info('state.available');
    else this.#logger.warn({ err: error }, 'state.unavailable');
  }
}

function openClient(url: string) {
  return createClient({
    url,
    disableOfflineQueue: true,
    socket: {
      connectTimeout: COMMAND_TIMEOUT,
      reconnectStrategy: (retries) => Math.min(100 * 2 ** retries, CHECK_INTERVAL),
    },
  });
}
