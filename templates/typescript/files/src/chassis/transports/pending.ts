/** Requests that have come in and are not answered yet. */
import { isObject, type JsonObject } from '../json.js';
import type { Message } from './messages.js';

export class PendingRequests {
  readonly #params = new Map<unknown, JsonObject>();
  #none: (() => void) | undefined;

  received({ id, method, params = {} }: Message): void {
    if (method === 'notifications/cancelled') this.#settle(params['requestId']);
    else if (id !== undefined) this.#params.set(id, params);
  }

  /** The parameters of a request that waits, as they came. */
  params(id: unknown): JsonObject | undefined {
    return this.#params.get(id);
  }

  sent(message: unknown): void {
    if (isObject(message) && message['method'] === undefined) this.#settle(message['id']);
  }

  /** Resolves as soon as there is none. */
  none(): Promise<void> {
    return new Promise((resolve) => {
      this.#none = resolve;
      if (this.#params.size === 0) resolve();
    });
  }

  #settle(id: unknown): void {
    this.#params.delete(id);
    if (this.#params.size === 0) this.#none?.();
  }
}
