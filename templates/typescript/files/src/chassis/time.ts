/** Waiting with an end. */
import { setTimeout as sleep } from 'node:timers/promises';

/** What `work` resolves to, or `undefined` after so many milliseconds; the timer keeps nothing alive. */
export async function within<T>(milliseconds: number, work: Promise<T>): Promise<T | undefined> {
  const timer = new AbortController();
  const over = sleep(milliseconds, undefined, { signal: timer.signal, ref: false });
  over.catch(() => undefined);
  try {
    return await Promise.race([work, over]);
  } finally {
    timer.abort();
  }
}
