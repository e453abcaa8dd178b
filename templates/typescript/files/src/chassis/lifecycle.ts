/** The server's life: starting, ready, stopping (still serving), draining (finishing). */
import { setTimeout as sleep } from 'node:timers/promises';

import { runOutside } from './context.js';
import type { Logger } from './observability/logs.js';

export type Phase = 'starting' | 'ready' | 'stopping';

export interface ShutdownTimes {
  readonly delaySeconds: number;
  readonly graceSeconds: number;
}

export class Lifecycle {
  readonly #times: ShutdownTimes;
  readonly #logger: Logger;
  #phase: Phase = 'starting';
  #draining = false;
  #calls = 0;
  #idle: (() => void) | undefined;

  constructor(times: ShutdownTimes, logger: Logger) {
    this.#times = times;
    this.#logger = logger.child({ logger: 'lifecycle' });
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** New calls are refused. */
  get draining(): boolean {
    return this.#draining;
  }

  /** Everything the server needs was in reach once. */
  ready(): void {
    if (this.#phase === 'starting') this.#phase = 'ready';
  }

  /** Counts a call in flight; the result says that it has ended. */
  enter(): () => void {
    this.#calls += 1;
    return () => {
      this.#calls -= 1;
      if (this.#calls === 0) this.#idle?.();
    };
  }

  /** From now on the server is not ready. */
  stopping(): void {
    this.#phase = 'stopping';
    runOutside(() => {
      this.#logger.info({ calls_in_flight: this.#calls }, 'server.stopping');
    });
  }

  /** Not ready but serving for the delay; from then on new calls are refused. */
  async stop(): Promise<void> {
    this.stopping();
    await sleep(this.#times.delaySeconds * 1000);
    this.#draining = true;
  }

  /** Waits until the calls in flight and `others` are done, at most for the grace. */
  async drain(others: Promise<unknown> = Promise.resolve()): Promise<void> {
    const grace = new AbortController();
    const calls = new Promise<void>((resolve) => {
      this.#idle = resolve;
      if (this.#calls === 0) resolve();
    });
    const overdue = sleep(this.#times.graceSeconds * 1000, undefined, { signal: grace.signal });
    await Promise.race([Promise.all([calls, others]), overdue]);
    overdue.catch(() => undefined);
    grace.abort();
  }
}
