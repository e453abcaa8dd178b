import { describe, expect, test } from 'vitest';

import { runInContext } from '../../src/chassis/context.js';
import { Audit } from '../../src/chassis/observability/audit.js';
import { createLogger, type Logger } from '../../src/chassis/observability/logs.js';
import { readSettings, STANDARD } from '../../src/chassis/settings/settings.js';

/** What `log` makes a logger of these settings write. */
function written(settings: Record<string, string>, log: (logger: Logger) => void): string[] {
  const lines: string[] = [];
  log(
    createLogger(readSettings({ settings: STANDARD }, settings), {
      write: (line) => lines.push(line),
    }),
  );
  return lines;
}

const parse = (line = '{}') => JSON.parse(line) as Record<string, unknown>;

describe('log lines', () => {
  test('are JSON, with the correlation id of the call around them', () => {
    const call = {
      correlationId: 'id-1',
      identity: { subject: 'alice', scopes: [] },
      rateKey: 'alice',
    };
    const [line] = written({}, (logger) => {
      runInContext(call, () => {
        logger.child({ logger: 'tests' }).warn({ count: 1 }, 'test.happened');
      });
    });
    expect(parse(line)).toEqual({
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
      level: 'WARNING',
      event: 'test.happened',
      logger: 'tests',
      correlation_id: 'id-1',
      count: 1,
    });
  });

  test('below the level are not written', () => {
    const log = (logger: Logger) => {
      for (const level of ['debug', 'info', 'warn', 'error'] as const) logger[level](level);
    };
    const levels = (MCP_LOG_LEVEL: string) =>
      written({ MCP_LOG_LEVEL }, log).map((line) => parse(line)['level']);
    expect(levels('DEBUG')).toEqual(['DEBUG', 'INFO', 'WARNING', 'ERROR']);
    expect(levels('INFO')).toEqual(['INFO', 'WARNING', 'ERROR']);
    expect(levels('WARNING')).toEqual(['WARNING', 'ERROR']);
    expect(levels('ERROR')).toEqual(['ERROR']);
  });

  test('are for people in console format', () => {
    const [line] = written({ MCP_LOG_FORMAT: 'console' }, (logger) => {
      logger.info({ tool_name: 'echo', error_code: null }, 'tool.completed');
    });
    expect(line).toMatch(/^\S+Z INFO tool\.completed tool_name="echo"\n$/);
  });

  test('name the type of an error; its stack only in debug mode, its text else nowhere', () => {
    const log = (logger: Logger) => {
      logger.error({ err: new Error('outer', { cause: new TypeError('canary') }) }, 'it.broke');
      logger.error({ err: 'canary' }, 'it.broke');
    };
    const quiet = written({}, log);
    expect(quiet.map((line) => parse(line)['exception_type'])).toEqual(['TypeError', 'string']);
    expect(quiet.join()).not.toContain('canary');
    expect(quiet.join()).not.toContain('logs.test');
    const [loud] = written({ MCP_DEBUG_MODE: 'true' }, log);
    expect(parse(loud)['stack']).toContain('logs.test');
  });
});

test('audit records tell equal arguments from others without holding them', () => {
  const entry = {
    subject: 'alice',
    name: 'echo',
    outcome: 'success',
    scopes: ['fixture:read'],
  };
  const lines = written({}, (logger) => {
    const audit = new Audit(logger);
    audit.record('tool_called', { ...entry, args: { a: 'canary', b: 1 } });
    audit.record('tool_called', { ...entry, args: { b: 1, a: 'canary' } });
    audit.record('tool_called', { ...entry, args: { a: 'other' } });
    audit.record('denied', entry);
  });
  const digests = lines.map((line) => parse(line)['arguments_digest']);
  expect(digests[0]).toMatch(/^[0-9a-f]{64}$/);
  expect(digests[1]).toBe(digests[0]);
  expect(digests[2]).not.toBe(digests[0]);
  expect(digests[3]).toBeNull();
  expect(lines.join()).not.toContain('canary');
});
