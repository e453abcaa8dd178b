/** Client of the external records service. */
import { AppError } from './errors.js';
import { readText } from './fetch.js';
import { isObject, type JsonObject } from './json.js';
import { type CallLimits, type Guard, TryFailedError } from './resilience.js';
import type { Secret } from './secrets.js';
import { cleanJson } from './text.js';
import { clientSpan, traceHeaders } from './tracing.js';

export interface RecordsApiOptions {
  readonly baseUrl: string;
  readonly apiKey: Secret | undefined;
  readonly guard: Guard;
  /** Largest answer that is read. */
  readonly maxBytes: number;
}

const RETRYABLE = new Set([429, 502, 503, 504]);

export class RecordsApi {
  readonly #options: RecordsApiOptions;
  readonly #base: URL;
  readonly #basicAuth: string | undefined;

  constructor(options: RecordsApiOptions) {
    this.#options = options;
    this.#base = new URL(options.baseUrl);
    const { username, password } = this.#base;
    // fetch refuses URLs with credentials.
    if (username !== '') {
      const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
      this.#basicAuth = `Basic ${Buffer.from(pair).toString('base64')}`;
    }
    this.#base.username = '';
    this.#base.password = '';
  }

  get healthy(): boolean {
    return this.#options.guard.healthy;
  }

  /**
   * The record with its text cleaned.
   * @throws AppError `record_not_found` or `dependency_unavailable`
   */
  async fetch(id: string, limits: CallLimits): Promise<JsonObject> {
    const url = new URL(this.#base);
    url.pathname = `${url.pathname.replace(/\/+$/, '')}/records/${encodeURIComponent(id)}`;
    const record = await this.#options.guard.run(
      (signal) =>
        clientSpan('GET /records/{id}', { 'http.request.method': 'GET' }, () =>
          this.#get(url, signal),
        ),
      limits,
    );
    if (!record) throw new AppError('record_not_found');
    return record;
  }

  async #get(url: URL, signal: AbortSignal): Promise<JsonObject | undefined> {
    const response = await this.#request(url, signal);
    if (response.ok) return parseRecord(await this.#read(response, signal));
    await response.body?.cancel();
    if (response.status === 404) return undefined;
    throw new TryFailedError(`status ${response.status}`, {
      retryable: RETRYABLE.has(response.status),
      retryAfterSeconds: parseRetryAfter(response.headers.get('retry-after')),
    });
  }

  /** Redirects are not followed: neither key nor request leaves for another host. */
  async #request(url: URL, signal: AbortSignal): Promise<Response> {
    const key = await this.#options.apiKey?.read();
    const authorization = key === undefined ? this.#basicAuth : `Bearer ${key}`;
    const headers = {
      accept: 'application/json',
      ...(authorization !== undefined && { authorization }),
      ...traceHeaders(),
    };
    try {
      return await fetch(url, { headers, signal, redirect: 'manual' });
    } catch (error) {
      signal.throwIfAborted();
      throw new TryFailedError('no connection', { retryable: true, cause: error });
    }
  }

  async #read(response: Response, signal: AbortSignal): Promise<string> {
    let text: string | undefined;
    try {
      text = await readText(response, this.#options.maxBytes);
    } catch (error) {
      signal.throwIfAborted();
      throw new TryFailedError('connection lost', { retryable: true, cause: error });
    }
    if (text === undefined) throw new TryFailedError('answer too large', { retryable: false });
    return text;
  }
}

function parseRecord(body: string): JsonObject {
  let record: unknown;
  try {
    record = cleanJson(JSON.parse(body));
  } catch (error) {
    throw new TryFailedError('the answer is not JSON', { retryable: false, cause: error });
  }
  if (isObject(record)) return record;
  throw new TryFailedError('the answer is no JSON object', { retryable: false });
}

/** `Retry-After` is a number of seconds or a date. */
function parseRetryAfter(header: string | null): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, (date - Date.now()) / 1000);
}
