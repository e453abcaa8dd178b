/** Outgoing HTTP: pooled connections, bounded answers, nothing of the caller but the trace context. */
import { type Dispatcher, request } from 'undici';

import { AppError } from '../errors.js';
import { JsonError, parseJson } from '../json.js';
import type { CallLimits } from '../limits.js';
import { clientSpan, traceHeaders } from '../observability/tracing.js';
import { dispatcherFor } from '../settings/proxies.js';
import type { Secret } from '../settings/secrets.js';
import { cleanJson } from '../text.js';
import { type Guard, TryFailedError } from './guard.js';

/** Where a service is, and how much of it one server may use. */
export interface ClientOptions {
  readonly baseUrl: string;
  /** Sent as a bearer token. */
  readonly apiKey?: Secret | undefined;
  /** Of one try. */
  readonly timeoutSeconds: number;
  readonly maxConcurrency: number;
}

interface Answer {
  readonly status: number;
  /** `undefined` when it is larger than allowed. */
  readonly body: Uint8Array | undefined;
}

const REPEATABLE = new Set([408, 429, 500, 502, 503, 504]);

export class ServiceClient {
  readonly #name: string;
  readonly #guard: Guard;
  readonly #options: Pick<ClientOptions, 'baseUrl' | 'apiKey'>;
  readonly #maxBytes: number;
  readonly #dispatcher: Dispatcher;

  constructor(
    name: string,
    guard: Guard,
    options: Pick<ClientOptions, 'baseUrl' | 'apiKey'>,
    maxBytes: number,
  ) {
    this.#name = name;
    this.#guard = guard;
    this.#options = options;
    this.#maxBytes = maxBytes;
    this.#dispatcher = dispatcherFor(new URL(options.baseUrl), {});
  }

  get healthy(): boolean {
    return this.#guard.healthy;
  }

  /**
   * GET of a path like `/records/{id}` below the base URL.
   * Resolves to the JSON of the answer with its text cleaned, or to `undefined` when it is 404.
   * @throws AppError `dependency_unavailable`
   */
  async getJson(
    path: string,
    variables: Readonly<Record<string, string>>,
    limits: CallLimits,
  ): Promise<unknown> {
    const filled = path.replace(/\{(\w+)\}/g, (_, name: string) =>
      encodeURIComponent(variables[name] ?? ''),
    );
    const url = new URL(this.#options.baseUrl.replace(/\/+$/, '') + filled);
    const { status, body } = await this.#guard.run(
      (signal) =>
        clientSpan(`GET ${path}`, { 'http.request.method': 'GET' }, () => this.#get(url, signal)),
      limits,
    );
    if (status === 404) return undefined;
    if (status < 200 || status > 299 || !body) throw this.#unavailable();
    try {
      return cleanJson(parseJson(body));
    } catch (error) {
      if (error instanceof JsonError) throw this.#unavailable(error);
      throw error;
    }
  }

  /** For an answer that is not what the service promised. */
  unusable(): AppError {
    return this.#unavailable();
  }

  close(): Promise<void> {
    return this.#dispatcher.destroy();
  }

  async #get(url: URL, signal: AbortSignal): Promise<Answer> {
    const apiKey = await this.#options.apiKey?.read();
    const headers = {
      accept: 'application/json',
      ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
      ...traceHeaders(),
    };
    try {
      const answer = await request(url, { headers, signal, dispatcher: this.#dispatcher });
      const { statusCode: status, headers: answered } = answer;
      if (REPEATABLE.has(status)) {
        await answer.body.dump();
        throw new TryFailedError(`status ${status}`, parseRetryAfter(answered['retry-after']));
      }
      return { status, body: await readBounded(answer.body, this.#maxBytes) };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof TryFailedError) throw error;
      throw new TryFailedError('no connection, or it was lost', 0, { cause: error });
    }
  }

  #unavailable(cause?: unknown): AppError {
    return new AppError('dependency_unavailable', {
      message: `${this.#name} is unavailable`,
      cause,
    });
  }
}

/** The bytes of a body, or `undefined` when there are more than `maxBytes`; the rest is not read then. */
export async function readBounded(
  body: AsyncIterable<Uint8Array>,
  maxBytes: number,
): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** `Retry-After` is a number of seconds or a date. */
function parseRetryAfter(header: string | string[] | undefined): number {
  if (typeof header !== 'string') return 0;
  if (/^\d{1,9}$/.test(header)) return Number(header);
  const date = Date.parse(header);
  return Number.isNaN(date) ? 0 : Math.max(0, (date - Date.now()) / 1000);
}
