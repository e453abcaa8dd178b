import { vi } from 'vitest';

/** Repeats `check` until it no longer throws; patient, because machines that run tests are busy. */
export function eventually<T>(check: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(check, { timeout: 15_000, interval: 20 });
}
