/** Who is calling, and under which correlation id: carried along every await of a call. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';

import type { Slot } from './limits.js';

export interface Identity {
  readonly subject: string;
  readonly scopes: readonly string[];
}

export interface CallContext {
  readonly correlationId: string;
  readonly identity: Identity;
  /** Whose rate limit a tool call uses up. */
  readonly rateKey: string;
  /** The place that the transport already reserved for a tool call. */
  readonly slot?: Slot;
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

export function currentContext(): CallContext | undefined {
  return storage.getStore();
}

export function hasScope({ scopes }: Identity, scope: string): boolean {
  return scopes.includes(scope);
}
