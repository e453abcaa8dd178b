import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { baseUrl, key } from '../../src/chassis/settings/kinds.js';
import { Secret } from '../../src/chassis/settings/secrets.js';
import {
  optional,
  publicSettings,
  readSettings,
  secret,
  SettingsError,
  STANDARD,
  unknownVariables,
} from '../../src/chassis/settings/settings.js';
import { temporaryFolder } from '../support/folders.js';

const DEFINITIONS = {
  ...STANDARD,
  serviceUrl: optional('MCP_SERVICE_URL', baseUrl),
  serviceKey: secret('MCP_SERVICE_KEY', key),
} as const;

const TOOLS = [{ name: 'two' }, { name: 'one' }];

const loadSettings = (environment: Record<string, string>) =>
  readSettings({ settings: DEFINITIONS, tools: TOOLS }, environment);

function problems(environment: Record<string, string>): readonly string[] {
  try {
    loadSettings(environment);
  } catch (error) {
    if (error instanceof SettingsError) return error.problems;
    throw error;
  }
  return [];
}

describe('settings', () => {
  test('have safe defaults', () => {
    expect(loadSettings({})).toMatchObject({
      transport: 'stdio',
      serverHost: '127.0.0.1',
      serverPort: 8000,
      enableWrites: false,
      authMode: 'none',
      allowUnauthenticated: false,
      rateLimitPerMinute: 600,
      toolTimeoutSeconds: 30,
      serviceUrl: undefined,
    });
  });

  test('are typed, and blank means unset', () => {
    const settings = loadSettings({
      MCP_SERVER_PORT: ' 9000 ',
      MCP_ENABLE_WRITES: 'TRUE',
      MCP_TOOLS_DISABLED: 'one, ,two',
      MCP_TOOL_TIMEOUT_SECONDS: '0.5',
      MCP_LOG_LEVEL: 'warning',
      MCP_MAX_QUEUE: '',
    });
    expect(settings).toMatchObject({
      serverPort: 9000,
      enableWrites: true,
      toolsDisabled: ['one', 'two'],
      toolTimeoutSeconds: 0.5,
      logLevel: 'WARNING',
      maxQueue: 256,
    });
  });

  test.each([
    ['MCP_SERVER_PORT', 'abc', 'expected an integer from 0 to 65535'],
    ['MCP_SERVER_PORT', '65536', 'expected an integer from 0 to 65535'],
    ['MCP_SERVER_PORT', '1e3', 'expected an integer from 0 to 65535'],
    ['MCP_TRANSPORT', 'sse', 'expected stdio or http'],
    ['MCP_DEBUG_MODE', 'perhaps', 'expected true or false'],
    ['MCP_SERVICE_URL', 'ftp://records.example.com', 'expected an http or https URL'],
    ['MCP_TRUSTED_PROXIES', '10.0.0.0/33', 'expected a comma list of addresses or networks'],
    ['MCP_TOOL_TIMEOUT_SECONDS', '-1', /^expected a number/],
    ['MCP_TOOLS_ENABLED', 'three', 'expected names among one, two'],
    ['MCP_SERVER_PORT', '+80', 'expected an integer from 0 to 65535'],
    ['MCP_TOOL_TIMEOUT_SECONDS', '1_0', /^expected a number/],
    ['MCP_PUBLIC_URL', 'https://h/team?x=1', /without user information/],
    ['MCP_RATE_LIMIT_BURST', '0', /^expected/],
  ])('%s=%s is refused with one line', (name, value, expected) => {
    const [line, ...rest] = problems({ [name]: value });
    expect(rest).toEqual([]);
    const start = `${name}=${value.replace(/\?.*/, '')}: `;
    expect(line?.slice(0, start.length)).toBe(start);
    expect(line?.slice(start.length)).toMatch(expected);
  });

  test('are all checked before the first complaint', () => {
    const lines = problems({ MCP_SERVER_PORT: 'x', MCP_TRANSPORT: 'y', MCP_MAX_QUEUE: 'z' });
    expect(lines).toHaveLength(3);
  });

  test('a Kubernetes service link is explained', () => {
    const [line] = problems({ MCP_SERVER_PORT: 'tcp://10.0.0.1:8000' });
    expect(line).toBe(
      'MCP_SERVER_PORT=tcp://10.0.0.1:8000: this looks like a Kubernetes service link; ' +
        'set enableServiceLinks: false or rename the Service',
    );
  });

  test.each([
    ['no authentication on an open host', { MCP_SERVER_HOST: '0.0.0.0' }, 'MCP_SERVER_HOST'],
    [
      'tokens without an issuer',
      { MCP_AUTH_MODE: 'jwt', MCP_AUTH_JWKS_FILE: 'k' },
      'MCP_AUTH_ISSUER',
    ],
    [
      'tokens without keys',
      { MCP_AUTH_MODE: 'jwt', MCP_AUTH_ISSUER: 'https://issuer.example.com' },
      'MCP_AUTH_JWKS_URL',
    ],
    [
      'tokens on a wildcard host without a public URL',
      {
        MCP_AUTH_MODE: 'jwt',
        MCP_AUTH_ISSUER: 'https://issuer.example.com',
        MCP_AUTH_JWKS_FILE: 'k',
        MCP_SERVER_HOST: '0.0.0.0',
      },
      'MCP_PUBLIC_URL',
    ],
  ])('over HTTP, %s is refused', (_case, environment, variable) => {
    const lines = problems({ MCP_TRANSPORT: 'http', ...environment });
    expect(lines.map((line) => line.split('=')[0])).toEqual([variable]);
  });

  test.each([
    ['MCP_SERVICE_URL', 'ftp://user:canary@h/p?key=canary', 'MCP_SERVICE_URL=ftp://h/p: expected'],
    ['MCP_SERVICE_URL', 'https://h?key=canary', 'MCP_SERVICE_URL=https://h: expected'],
    ['MCP_SERVICE_URL', 'http://user:ca/nary@h', 'MCP_SERVICE_URL: expected'],
    ['MCP_STATE_URL', 'redis://:canary@h:notaport', 'MCP_STATE_URL: expected'],
    ['MCP_SERVICE_KEY', 'canary two', 'MCP_SERVICE_KEY: expected visible ASCII'],
    ['ALL_PROXY', 'socks5h://canary:1', 'ALL_PROXY: only http:// and https:// proxies'],
  ])('%s never shows what nobody should see', (name, value, start) => {
    const [line = ''] = problems({ [name]: value });
    expect(line.startsWith(start), line).toBe(true);
    expect(line).not.toContain('canary');
  });

  test('lose white space and a byte order mark at both ends', () => {
    const settings = loadSettings({ MCP_TRANSPORT: '\ufeffhttp\r\n', MCP_DEBUG_MODE: ' 1\t' });
    expect(settings).toMatchObject({ transport: 'http', debugMode: true });
  });

  test('an open host without authentication can be chosen knowingly', () => {
    const environment = { MCP_TRANSPORT: 'http', MCP_SERVER_HOST: '0.0.0.0' };
    expect(problems({ ...environment, MCP_ALLOW_UNAUTHENTICATED: 'true' })).toEqual([]);
  });

  test('an unknown variable is reported with the nearest setting', () => {
    const environment = {
      MCP_SERVER_PROT: '1',
      MCP_TIMEOUT: '1',
      MCP_TOOL_TIMEOUT: '1',
      MCP_SERVER_SERVICE_HOST: '10.0.0.1',
      MCP_SERVER_PORT_8000_TCP: 'tcp://10.0.0.1:8000',
      PATH: '/bin',
    };
    expect(unknownVariables(DEFINITIONS, environment)).toEqual([
      { variable: 'MCP_SERVER_PROT', suggestion: 'MCP_SERVER_PORT' },
    ]);
  });

  test('are shown without secrets and without credentials in URLs', async () => {
    const shown = await publicSettings(
      DEFINITIONS,
      loadSettings({
        MCP_SERVICE_KEY: 'canary-key',
        MCP_STATE_URL: 'redis://user:canary-password@redis.example.com:6379/0',
        MCP_SERVICE_URL: 'https://api.example.com/v1',
        MCP_AUTH_ISSUER: 'https://user:canary-password@issuer.example.com/?key=canary-query',
      }),
    );
    expect(JSON.stringify(shown)).not.toContain('canary');
    expect(shown).toMatchObject({
      MCP_STATE_URL: 'redis://redis.example.com:6379/0',
      MCP_SERVICE_URL: 'https://api.example.com/v1',
      MCP_PUBLIC_URL: null,
      MCP_TOOLS_ENABLED: [],
    });
    expect(shown).not.toHaveProperty('MCP_SERVICE_KEY');
  });
});

describe('secrets', () => {
  test('come from a file and follow it when it changes', async () => {
    const path = join(temporaryFolder(), 'key');
    writeFileSync(path, '\ufefffirst\n');
    const secret = loadSettings({ MCP_SERVICE_KEY_FILE: path }).serviceKey;
    const reads: string[] = [];
    secret?.onRead((name) => reads.push(name));

    expect(await secret?.read()).toBe('first');
    expect(await secret?.read()).toBe('first');
    writeFileSync(path, 'second-value\n');
    expect(await secret?.read()).toBe('second-value');
    writeFileSync(path, '');
    expect(await secret?.read()).toBe('second-value');
    expect(reads).toEqual(['MCP_SERVICE_KEY', 'MCP_SERVICE_KEY']);
  });

  test('outlive a file that disappears', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'key');
    writeFileSync(path, 'kept');
    const secret = Secret.file('MCP_SERVICE_KEY', path);
    expect(await secret.read()).toBe('kept');
    rmSync(path);
    expect(await secret.read()).toBe('kept');

    const gone = Secret.file('MCP_SERVICE_KEY', join(folder, 'never'));
    await expect(gone.read()).rejects.toThrow(/ENOENT/);
  });

  test('are refused, without their value, when both forms are given or the file is missing', () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'directory'));
    const lines = [
      ...problems({ MCP_SERVICE_KEY: 'canary', MCP_SERVICE_KEY_FILE: '/dev/null' }),
      ...problems({ MCP_SERVICE_KEY_FILE: join(folder, 'directory') }),
      ...problems({ MCP_STATE_URL: 'mysql://user:canary@db' }),
    ];
    expect(lines).toEqual([
      expect.stringMatching(/^MCP_SERVICE_KEY: /),
      expect.stringMatching(/^MCP_SERVICE_KEY_FILE=.*: expected a readable file of UTF-8 text$/),
      expect.stringMatching(/^MCP_STATE_URL: expected/),
    ]);
    expect(lines.join()).not.toContain('canary');
  });
});
