// The entry point: what the process says before it serves, and how it ends.
import { spawnSync } from 'node:child_process';

import { describe, expect, test } from 'vitest';

import { NAME, VERSION } from '../src/chassis/package.js';
import { cleanEnvironment, startServer } from './support/process.js';

function run(settings: Record<string, string>, ...args: string[]) {
  const env = cleanEnvironment(settings);
  return spawnSync(process.execPath, ['dist/main.js', ...args], {
    env,
    encoding: 'utf8',
    input: '',
  });
}

test('--version prints name and version', () => {
  const { status, stdout, stderr } = run({}, '--version');
  expect([status, stdout, stderr]).toEqual([0, `${NAME} ${VERSION}\n`, '']);
});

describe('invalid settings', () => {
  test('stop the start with exit code 2 and one line per problem', () => {
    const { status, stdout, stderr } = run({
      MCP_SERVER_PORT: 'abc',
      MCP_TRANSPORT: 'carrier-pigeon',
    });
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr.trim().split('\n').sort()).toEqual([
      'MCP_SERVER_PORT=abc: expected an integer from 0 to 65535',
      'MCP_TRANSPORT=carrier-pigeon: expected stdio or http',
    ]);
  });

  test('refuse to serve everybody by accident', () => {
    const { status, stderr } = run({ MCP_TRANSPORT: 'http', MCP_SERVER_HOST: '0.0.0.0' });
    expect(status).toBe(2);
    expect(stderr).toContain('MCP_ALLOW_UNAUTHENTICATED');
  });
});

test('a failure to start is exit code 1 and a log line', async () => {
  const taken = await startServer();
  const port = new URL(taken.url).port;
  const { status, stderr } = run({ MCP_TRANSPORT: 'http', MCP_SERVER_PORT: port });
  await taken.stop();
  expect(status).toBe(1);
  expect(stderr).toMatch(/"event":"server.failed"/);
  expect(stderr).not.toMatch(/\n\s+at /);
});

test('an unknown variable is a warning that names the nearest setting', () => {
  const { status, stderr } = run({ MCP_SERVER_PROT: '1' });
  expect(status).toBe(0);
  const lines = stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines).toContainEqual(
    expect.objectContaining({
      level: 'WARNING',
      event: 'settings.unknown_variable',
      variable: 'MCP_SERVER_PROT',
      suggestion: 'MCP_SERVER_PORT',
    }),
  );
});
