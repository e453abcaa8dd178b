import type { ToolContext } from '../../src/chassis/declarations.js';
import { AppError } from '../../src/chassis/errors.js';
import { MemoryStore } from '../../src/chassis/state/memory.js';
import { Operations } from '../../src/chassis/state/operations.js';
import { silentLogger } from './app.js';

export const LIMITS = { maxRunning: 2, maxFinished: 10, maxFinishedInAll: 20, ttlSeconds: 60 };

/** What a tool or a resource may use, for a call without a server around it. */
export function newContext(overrides: Partial<ToolContext> = {}): ToolContext {
  return {
    subject: 'alice',
    operations: new Operations(new MemoryStore(LIMITS), silentLogger()),
    limits: { signal: new AbortController().signal, deadline: Infinity },
    use: ({ name }) => {
      throw new AppError('dependency_unavailable', { message: `${name} is unavailable` });
    },
    describeServer: () => Promise.resolve({}),
    reportProgress: () => Promise.resolve(),
    waiting: (wait) => wait(),
    ...overrides,
  };
}

/** The error that a call ends with. */
export async function failure(call: Promise<unknown>): Promise<AppError> {
  const error: unknown = await call.catch((reason: unknown) => reason);
  if (error instanceof AppError) return error;
  throw new Error(`expected an AppError, got ${JSON.stringify(error)}`);
}
