/** Who is calling, and under which correlation id: carried along every await of a call. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';

import type { JsonObject } from './json.js';
import type { Slot } from './limits.js';

export interface Identity {
  readonly subject: string;
  readonly scopes: readonly string[];
}

export interface CallContext {
  readonly correlationId: string;
  readonly identity: Identity;
  /** Whose rate limit and whose share of the queue a tool call uses up. */
  readonly rateKey: string;
  /** The parameters as they were read, before the SDK parsed them. */
  readonly params?: JsonObject;
  /** Where the transport found W3C trace context. */
  readonly carrier?: JsonObject;
  /** The place that the transport already reserved for a tool call. */
  readonly slot?: Slot | undefined;
}

const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/;
const storage = new AsyncLocalStorage<CallContext>();

/** `candidate` when it is a well-formed request id, else a new UUID. */
export function correlationIdFrom(candidate?: string | string[]): string {
  return typeof candidate === 'string' && REQUEST_ID.test(candidate) ? candidate : randomUUID();
}

export function runInContext<T>(context: CallContext, run: () => T): T {
  return storage.run(context, run);
}

/** Runs what belongs to no request, though one may have caused it. */
export function runOutside<T>(run: () => T): T {
  return storage.exit(run);
}

export function currentContext(): CallContext | undefined {
  return storage.getStore();
}

export function hasScope({ scopes }: Identity, scope: string): boolean {
  return scopes.includes(scope);
}
