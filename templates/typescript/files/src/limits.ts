/** Limits on tool calls: a token bucket for each caller, a bulkhead for all of them. */

/** Takes one token; resolves to 0, or to the seconds until there is one. */
export interface RateLimiter {
  take(key: string): Promise<number>;
}

export interface BucketSize {
  readonly perMinute: number;
  readonly burst: number;
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

interface Waiter {
  readonly enter: () => void;
}

export interface BulkheadGauges {
  readonly running?: { set(value: number): void };
  readonly queued?: { set(value: number): void };
}

/** At most `limit` at once and `maxQueue` waiting, first come, first served. */
export class Bulkhead {
  readonly #limit: number;
  readonly #maxQueue: number;
  readonly #gauges: BulkheadGauges;
  readonly #queue = new Set<Waiter>();
  #running = 0;

  constructor(limit: number, maxQueue: number, gauges: BulkheadGauges = {}) {
    this.#limit = limit;
    this.#maxQueue = maxQueue;
    this.#gauges = gauges;
  }

  /**
   * Resolves to a function that gives the place back.
   * @throws BulkheadFullError at once when the queue is full, the signal's reason when it aborts
   */
  async enter(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#running < this.#limit) {
      this.#running += 1;
    } else {
      if (this.#queue.size >= this.#maxQueue) throw new BulkheadFullError();
      await this.#wait(signal);
    }
    this.#report();
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#leave();
    };
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        this.#queue.delete(waiter);
        this.#report();
        reject(signal.reason as Error);
      };
      const waiter = {
        enter: () => {
          signal.removeEventListener('abort', giveUp);
          resolve();
        },
      };
      signal.addEventListener('abort', giveUp, { once: true });
      this.#queue.add(waiter);
      this.#report();
    });
  }

  /** The place goes to the first that waits: `#running` stays as it is then. */
  #leave(): void {
    const [next] = this.#queue;
    if (next) {
      this.#queue.delete(next);
      next.enter();
    } else {
      this.#running -= 1;
    }
    this.#report();
  }

  #report(): void {
    this.#gauges.running?.set(this.#running);
    this.#gauges.queued?.set(this.#queue.size);
  }
}

/** A tool call's place in the bulkhead and the time it has left. */
export class Slot {
  /** Aborts with AppError `timeout` when the time is over. */
  readonly deadline: AbortSignal;
  /** The same instant on the clock of `performance.now()`. */
  readonly endsAt: number;
  readonly #onRelease: () => void;
  #claimed = false;
  #released = false;

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
    if (this.#released) return;
    this.#released = true;
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
