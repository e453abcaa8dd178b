/** Logs: JSON lines on stderr, tied together by a correlation id. */
import { type DestinationStream, type Logger, pino } from 'pino';

import { currentContext } from '../context.js';
import type { StandardSettings } from '../settings/settings.js';

export type { Logger } from 'pino';

const STDERR = 2;
const LABELS: Readonly<Record<string, string>> = { warn: 'WARNING', fatal: 'ERROR' };

type LogSettings = Pick<StandardSettings, 'logLevel' | 'logFormat' | 'debugMode'>;

/** A logger whose `err` field names the type of an error; its text and stack appear in debug mode only. */
export function createLogger(settings: LogSettings, destination?: DestinationStream): Logger {
  const stderr = destination ?? pino.destination({ fd: STDERR, sync: false });
  return pino(
    {
      base: null,
      level: settings.logLevel === 'WARNING' ? 'warn' : settings.logLevel.toLowerCase(),
      messageKey: 'event',
      timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
      formatters: {
        level: (label) => ({ level: LABELS[label] ?? label.toUpperCase() }),
        log: ({ err, ...fields }) =>
          err === undefined ? fields : { ...fields, ...describeError(err, settings.debugMode) },
      },
      mixin: () => ({ correlation_id: currentContext()?.correlationId ?? null }),
    },
    settings.logFormat === 'console' ? readable(stderr) : stderr,
  );
}

function describeError(error: unknown, debug: boolean) {
  if (!(error instanceof Error)) return { exception_type: typeof error };
  const cause = error.cause instanceof Error ? error.cause : error;
  return { exception_type: cause.name, ...(debug && { stack: cause.stack }) };
}

/** `TIME LEVEL event key=value …` for people. */
function readable(stream: DestinationStream): DestinationStream {
  return {
    write(line) {
      const { timestamp, level, event, ...rest } = JSON.parse(line) as Record<string, unknown>;
      const fields = Object.entries(rest)
        .filter(([, value]) => value !== null)
        .map(([key, value]) => ` ${key}=${JSON.stringify(value)}`);
      stream.write(`${String(timestamp)} ${String(level)} ${String(event)}${fields.join('')}\n`);
    },
  };
}
