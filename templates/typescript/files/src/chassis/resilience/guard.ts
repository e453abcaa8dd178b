/** What surrounds the calls to an outside service: bulkhead, retry, breaker, timeout of a try. */
import {
  BrokenCircuitError,
  circuitBreaker,
  CircuitState,
  ConsecutiveBreaker,
  DelegateBackoff,
  handleWhen,
  type IRetryBackoffContext,
  retry,
  TaskCancelledError,
  timeout,
  TimeoutStrategy,
  wrap,
} from 'cockatiel';

import { AppError } from '../errors.js';
import { Bulkhead, BulkheadFullError, type CallLimits } from '../limits.js';
import type { DependencyOutcome, Metrics } from '../observability/metrics.js';

export interface GuardOptions {
  readonly timeoutSeconds: number;
  readonly maxConcurrency: number;
  readonly attempts: number;
  readonly breakerFailures: number;
  readonly breakerResetSeconds: number;
}

/** A try that says nothing about the next one: the request may be sent again. */
export class TryFailedError extends Error {
  override readonly name = 'TryFailedError';
  /** What the service asked for in `Retry-After`. */
  readonly retryAfterSeconds: number;

  constructor(reason: string, retryAfterSeconds = 0, options?: ErrorOptions) {
    super(reason, options);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** The breaker's name for a call whose own time ended during a try: not worth another one. */
class OutOfTimeError extends Error {
  override readonly name = 'OutOfTimeError';
}

const FIRST_DELAY = 100;
const MAX_DELAY = 2000;

const GAUGE: Readonly<Record<CircuitState, 0 | 1 | 2>> = {
  [CircuitState.Closed]: 0,
  [CircuitState.HalfOpen]: 1,
  [CircuitState.Open]: 2,
  [CircuitState.Isolated]: 2,
};

/** Guards every call to one service. */
export class Guard {
  readonly #dependency: string;
  readonly #metrics: Metrics;
  readonly #attempts: number;
  readonly #bulkhead: Bulkhead;
  readonly #breaker;
  readonly #once;

  constructor(dependency: string, metrics: Metrics, options: GuardOptions) {
    this.#dependency = dependency;
    this.#metrics = metrics;
    this.#attempts = options.attempts;
    this.#bulkhead = new Bulkhead(options.maxConcurrency, 0);
    this.#breaker = circuitBreaker(handleWhen(isFailedTry), {
      halfOpenAfter: options.breakerResetSeconds * 1000,
      breaker: new ConsecutiveBreaker(options.breakerFailures),
    });
    this.#breaker.onStateChange((state) => {
      metrics.breakerChanged(dependency, GAUGE[state]);
    });
    metrics.breakerChanged(dependency, 0);
    const perTry = timeout(options.timeoutSeconds * 1000, TimeoutStrategy.Aggressive);
    this.#once = wrap(this.#breaker, perTry);
  }

  get healthy(): boolean {
    return this.#breaker.state === CircuitState.Closed;
  }

  /**
   * Repeats `attempt` until it succeeds or nothing more can be tried within the limits.
   * @throws AppError `dependency_unavailable`, or the signal's reason when it aborted
   */
  async run<T>(attempt: (signal: AbortSignal) => Promise<T>, limits: CallLimits): Promise<T> {
    const { signal } = limits;
    let leave: (() => void) | undefined;
    try {
      leave = await this.#bulkhead.enter('', signal);
      return await this.#retry(limits).execute(() => this.#try(attempt, signal), signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof BulkheadFullError) this.#observe('rejected', performance.now());
      else if (!isFailedTry(error) && !(error instanceof BrokenCircuitError)) throw error;
      const message = `${this.#dependency} is unavailable`;
      throw new AppError('dependency_unavailable', { message, cause: error });
    } finally {
      leave?.();
    }
  }

  #retry({ deadline }: CallLimits) {
    const worthwhile = (error: unknown) =>
      error instanceof TaskCancelledError ||
      (error instanceof TryFailedError &&
        performance.now() + error.retryAfterSeconds * 1000 < deadline);
    const backoff = new DelegateBackoff(({ attempt, result }: IRetryBackoffContext<unknown>) => {
      const cap = Math.min(MAX_DELAY, FIRST_DELAY * 2 ** (attempt - 1));
      const jittered = cap / 2 + (Math.random() * cap) / 2;
      const error = 'error' in result ? result.error : undefined;
      const asked = error instanceof TryFailedError ? error.retryAfterSeconds * 1000 : 0;
      return Math.max(asked, jittered);
    });
    return retry(handleWhen(worthwhile), { maxAttempts: this.#attempts - 1, backoff });
  }

  async #try<T>(attempt: (signal: AbortSignal) => Promise<T>, caller: AbortSignal): Promise<T> {
    const started = performance.now();
    let outcome: DependencyOutcome = 'error';
    try {
      const value = await this.#once.execute(({ signal }) =>
        this.#attributed(attempt(AbortSignal.any([caller, signal])), caller),
      );
      outcome = 'success';
      return value;
    } catch (error) {
      if (error instanceof BrokenCircuitError) outcome = 'rejected';
      if (error instanceof TaskCancelledError || caller.aborted) outcome = 'timeout';
      throw error;
    } finally {
      this.#observe(outcome, started);
    }
  }

  /** The breaker must not blame the service for a caller that left, nor take that for a success. */
  async #attributed<T>(attempt: Promise<T>, caller: AbortSignal): Promise<T> {
    try {
      return await attempt;
    } catch (error) {
      const outOfTime = caller.aborted && caller.reason instanceof AppError;
      if (outOfTime || (caller.aborted && !this.healthy)) {
        throw new OutOfTimeError('the caller ran out of time', { cause: error });
      }
      throw error;
    }
  }

  #observe(outcome: DependencyOutcome, started: number): void {
    const seconds = (performance.now() - started) / 1000;
    this.#metrics.dependencyTried(this.#dependency, outcome, seconds);
  }
}

function isFailedTry(error: unknown): boolean {
  return (
    error instanceof TryFailedError ||
    error instanceof TaskCancelledError ||
    error instanceof OutOfTimeError
  );
}
