/** The external records service: `GET {MCP_API_BASE_URL}/records/{id}`. */
import type { Service } from '../chassis/declarations.js';
import { isObject, type JsonObject } from '../chassis/json.js';
import type { CallLimits } from '../chassis/limits.js';
import type { ServiceClient } from '../chassis/resilience/http-client.js';
import type { Settings } from '../settings.js';

export class Records {
  readonly #client: ServiceClient;

  constructor(client: ServiceClient) {
    this.#client = client;
  }

  /**
   * The record, its text cleaned; `undefined` when there is none.
   * @throws AppError `dependency_unavailable`
   */
  async find(id: string, limits: CallLimits): Promise<JsonObject | undefined> {
    const record = await this.#client.getJson('/records/{id}', { id }, limits);
    if (record === undefined || isObject(record)) return record;
    throw this.#client.unusable();
  }
}

export const records: Service<Records> = {
  name: 'external_api',
  create(settings: Settings, connect) {
    if (settings.apiBaseUrl === undefined) return undefined;
    const client = connect({
      baseUrl: settings.apiBaseUrl,
      apiKey: settings.apiKey,
      timeoutSeconds: settings.apiTimeoutSeconds,
      maxConcurrency: settings.apiMaxConcurrency,
    });
    return new Records(client);
  },
};
