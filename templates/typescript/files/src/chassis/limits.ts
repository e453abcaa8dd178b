/** Limits on tool calls: a token bucket for each caller, places for all of them, let in by turns. */

/** Takes one token; resolves to 0, or to the seconds until there is one. */
export interface RateLimiter {
  take(key: string): Promise<number>;
}

export interface BucketSize {
  readonly perMinute: number;
  readonly burst: number;
}

/** How long a call may take: `deadline` is on the clock of `performance.now()`. */
export interface CallLimits {
  readonly signal: AbortSignal;
  readonly deadline: number;
}

const MAX_BUCKETS = 10_000;

interface Bucket {
  tokens: number;
  updatedAt: number;
}

/** Token buckets of this process; a full bucket is like none, so that the oldest can be forgotten. */
export class TokenBuckets implements RateLimiter {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #buckets = new Map<string, Bucket>();

  constructor({ perMinute, burst }: BucketSize) {
    this.#perSecond = perMinute / 60;
    this.#burst = burst;
  }

  take(key: string): Promise<number> {
    const now = performance.now() / 1000;
    const bucket = this.#buckets.get(key) ?? { tokens: this.#burst, updatedAt: now };
    const refilled = bucket.tokens + (now - bucket.updatedAt) * this.#perSecond;
    const tokens = Math.min(this.#burst, refilled);
    const taken = tokens >= 1;
    this.#buckets.delete(key);
    this.#buckets.set(key, { tokens: taken ? tokens - 1 : tokens, updatedAt: now });
    this.#forgetOldest();
    return Promise.resolve(taken ? 0 : (1 - tokens) / this.#perSecond);
  }

  #forgetOldest(): void {
    if (this.#buckets.size <= MAX_BUCKETS) return;
    const oldest = this.#buckets.keys().next();
    if (!oldest.done) this.#buckets.delete(oldest.value);
  }
}

export class BulkheadFullError extends Error {
  override readonly name = 'BulkheadFullError';
}

/** At most `limit` at once and `maxQueue` waiting, half of them of one caller; callers take turns. */
export class Bulkhead {
  readonly #limit: number;
  readonly #maxQueue: number;
  readonly #queued: { set(value: number): void } | undefined;
  /** Who waits, by caller; the caller whose turn it is stands first. */
  readonly #queues = new Map<string, Set<() => void>>();
  #running = 0;
  #waiting = 0;

  constructor(limit: number, maxQueue: number, queued?: { set(value: number): void }) {
    this.#limit = limit;
    this.#maxQueue = maxQueue;
    this.#queued = queued;
  }

  /**
   * Resolves to a function that gives the place back. Who comes `back` after a wait was let in before.
   * @throws BulkheadFullError at once when the queue is full, the signal's reason when it aborts
   */
  async enter(caller: string, signal: AbortSignal, back = false): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#running < this.#limit) {
      this.#running += 1;
    } else {
      const share = Math.ceil(this.#maxQueue / 2);
      const own = this.#queues.get(caller)?.size ?? 0;
      const full = this.#waiting >= this.#maxQueue || own >= share;
      if (full && !back) throw new BulkheadFullError();
      await this.#wait(caller, signal);
    }
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#leave();
    };
  }

  #wait(caller: string, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = () => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = () => {
        this.#remove(caller, enter);
        this.#report();
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', giveUp, { once: true });
      const queue = this.#queues.get(caller) ?? new Set();
      this.#queues.set(caller, queue.add(enter));
      this.#waiting += 1;
      this.#report();
    });
  }

  /** The place goes to the next caller's first: `#running` stays as it is then. */
  #leave(): void {
    const [turn] = this.#queues;
    if (turn) {
      const [caller, queue] = turn;
      const [next] = queue;
      this.#queues.delete(caller);
      this.#queues.set(caller, queue);
      if (next) {
        this.#remove(caller, next);
        next();
      }
    } else {
      this.#running -= 1;
    }
    this.#report();
  }

  #remove(caller: string, waiter: () => void): void {
    const queue = this.#queues.get(caller);
    if (!queue?.delete(waiter)) return;
    this.#waiting -= 1;
    if (queue.size === 0) this.#queues.delete(caller);
  }

  #report(): void {
    this.#queued?.set(this.#waiting);
  }
}

/** How many calls may wait at once without a place: of one caller, and in all. */
export class Waits {
  readonly #perCaller: number;
  readonly #inAll: number;
  readonly #callers = new Map<string, number>();
  #total = 0;

  constructor(perCaller: number, inAll: number) {
    this.#perCaller = perCaller;
    this.#inAll = inAll;
  }

  /** A function that ends the wait, or `undefined` when there are too many. */
  begin(caller: string): (() => void) | undefined {
    const own = this.#callers.get(caller) ?? 0;
    if (own >= this.#perCaller || this.#total >= this.#inAll) return undefined;
    this.#callers.set(caller, own + 1);
    this.#total += 1;
    return () => {
      const left = (this.#callers.get(caller) ?? 1) - 1;
      if (left === 0) this.#callers.delete(caller);
      else this.#callers.set(caller, left);
      this.#total -= 1;
    };
  }
}

/** A tool call's place in the bulkhead and the time it has left. */
export class Slot {
  /** Aborts with AppError `timeout` when the time is over. */
  readonly deadline: AbortSignal;
  /** The same instant on the clock of `performance.now()`. */
  readonly endsAt: number;
  /** Gives the place back, or does nothing while there is none. */
  leave: () => void = () => undefined;
  readonly #onRelease: () => void;
  #claimed = false;

  constructor(deadline: AbortSignal, endsAt: number, onRelease: () => void) {
    this.deadline = deadline;
    this.endsAt = endsAt;
    this.#onRelease = onRelease;
  }

  /** From now on the call itself gives the slot back. */
  claim(): void {
    this.#claimed = true;
  }

  /** Gives it back unless a call claimed it: the request never became one. */
  abandon(): void {
    if (!this.#claimed) this.release();
  }

  release(): void {
    this.leave();
    this.#onRelease();
  }
}

/** Settles as `work` does, or rejects with the signal's reason as soon as it aborts. */
export async function orAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let giveUp: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    giveUp = () => {
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp();
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    if (giveUp) signal.removeEventListener('abort', giveUp);
  }
}
