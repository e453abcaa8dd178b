import { createLogger, type Logger } from '../../src/observability.js';
import { loadSettings } from '../../src/settings.js';

/** A logger whose lines nobody reads. */
export function silentLogger(): Logger {
  return createLogger(loadSettings({}), { write: () => undefined });
}
