/** Settings: typed, from the environment, all problems reported at once. */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';

import { NAME } from './package.js';
import { Secret } from './secrets.js';
import {
  boolean,
  httpUrl,
  integer,
  type Kind,
  MAX_COUNT,
  networks,
  oneOf,
  seconds,
  stateUrl,
  text,
  words,
} from './setting-kinds.js';
import { nearest } from './text.js';
import { toolNames } from './tools/registry.js';

export type Environment = Readonly<Record<string, string | undefined>>;

interface Definition<T> {
  readonly variable: string;
  readonly kind: Kind<T>;
  readonly fallback: T;
}

const SERVICE_LINK = /^(?:tcp|udp):\/\//;
const LINK_PROBLEM =
  'this looks like a Kubernetes service link; set enableServiceLinks: false or rename the Service';
const FOREIGN = /^MCP_(?:TIMEOUT|TOOL_TIMEOUT|.*_SERVICE_HOST|.*_PORT.*)$/;
function setting<T>(variable: string, kind: Kind<T>, fallback: T): Definition<T> {
  return { variable, kind, fallback };
}

function optional<T>(variable: string, kind: Kind<T>): Definition<T | undefined> {
  return { variable, kind, fallback: undefined };
}

const count = integer(0, MAX_COUNT);
const positive = integer(1, MAX_COUNT);

/** Every plain setting; the secrets MCP_API_KEY and MCP_STATE_URL are read by `loadSecret`. */
const DEFINITIONS = {
  serverName: setting('MCP_SERVER_NAME', text(200), NAME),
  transport: setting('MCP_TRANSPORT', oneOf('stdio', 'http'), 'stdio'),
  serverHost: setting('MCP_SERVER_HOST', text(255), '127.0.0.1'),
  serverPort: setting('MCP_SERVER_PORT', integer(0, 65_535), 8000),
  publicUrl: optional('MCP_PUBLIC_URL', httpUrl),
  allowedHosts: setting('MCP_ALLOWED_HOSTS', words, []),
  allowedOrigins: setting('MCP_ALLOWED_ORIGINS', words, []),
  trustedProxies: setting('MCP_TRUSTED_PROXIES', networks, []),
  logLevel: setting('MCP_LOG_LEVEL', oneOf('DEBUG', 'INFO', 'WARNING', 'ERROR'), 'INFO'),
  logFormat: setting('MCP_LOG_FORMAT', oneOf('json', 'console'), 'json'),
  debugMode: setting('MCP_DEBUG_MODE', boolean, false),
  enableWrites: setting('MCP_ENABLE_WRITES', boolean, false),
  toolsEnabled: setting('MCP_TOOLS_ENABLED', words, []),
  toolsDisabled: setting('MCP_TOOLS_DISABLED', words, []),
  authMode: setting('MCP_AUTH_MODE', oneOf('none', 'jwt'), 'none'),
  authIssuer: optional('MCP_AUTH_ISSUER', httpUrl),
  authAudience: optional('MCP_AUTH_AUDIENCE', text(2000)),
  authJwksUrl: optional('MCP_AUTH_JWKS_URL', httpUrl),
  authJwksFile: optional('MCP_AUTH_JWKS_FILE', text(4096)),
  allowUnauthenticated: setting('MCP_ALLOW_UNAUTHENTICATED', boolean, false),
  rateLimitPerMinute: setting('MCP_RATE_LIMIT_PER_MINUTE', count, 600),
  rateLimitBurst: setting('MCP_RATE_LIMIT_BURST', count, 60),
  maxConcurrency: setting('MCP_MAX_CONCURRENCY', positive, 64),
  maxQueue: setting('MCP_MAX_QUEUE', count, 256),
  toolTimeoutSeconds: setting('MCP_TOOL_TIMEOUT_SECONDS', seconds(0.001), 30),
  maxBodyBytes: setting('MCP_MAX_BODY_BYTES', positive, 1_048_576),
  maxResultBytes: setting('MCP_MAX_RESULT_BYTES', positive, 262_144),
  shutdownDelaySeconds: setting('MCP_SHUTDOWN_DELAY_SECONDS', seconds(0), 0),
  shutdownGraceSeconds: setting('MCP_SHUTDOWN_GRACE_SECONDS', seconds(0), 35),
  stateTtlSeconds: setting('MCP_STATE_TTL_SECONDS', positive, 3600),
  maxOperations: setting('MCP_MAX_OPERATIONS', positive, 16),
  apiBaseUrl: optional('MCP_API_BASE_URL', httpUrl),
  apiTimeoutSeconds: setting('MCP_API_TIMEOUT_SECONDS', seconds(0.001), 5),
  apiMaxConcurrency: setting('MCP_API_MAX_CONCURRENCY', positive, 16),
  retryAttempts: setting('MCP_RETRY_ATTEMPTS', integer(1, 100), 3),
  breakerFailures: setting('MCP_BREAKER_FAILURES', positive, 5),
  breakerResetSeconds: setting('MCP_BREAKER_RESET_SECONDS', seconds(0.001), 30),
  otlpEndpoint: optional('OTEL_EXPORTER_OTLP_ENDPOINT', httpUrl),
} as const;

type Definitions = typeof DEFINITIONS;
type Plain = {
  readonly [K in keyof Definitions]: Definitions[K] extends Definition<infer T> ? T : never;
};

export interface Settings extends Plain {
  /** Unset: operations live in this process. */
  readonly stateUrl: Secret | undefined;
  readonly apiKey: Secret | undefined;
}

const SECRET_VARIABLES = ['MCP_STATE_URL', 'MCP_API_KEY'] as const;

export const VARIABLES: readonly string[] = [
  ...Object.values(DEFINITIONS).map(({ variable }) => variable),
  ...SECRET_VARIABLES.flatMap((name) => [name, `${name}_FILE`]),
];

/** The environment cannot be used; each problem is one line: variable, value unless secret, what is expected. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/** @throws SettingsError with every problem that was found. */
export function loadSettings(env: Environment = process.env): Settings {
  const problems: string[] = [];
  const values = Object.entries<Definition<unknown>>(DEFINITIONS).map(([key, definition]) => {
    const raw = env[definition.variable]?.trim();
    if (raw === undefined || raw === '') return [key, definition.fallback];
    const value = definition.kind.parse(raw);
    if (value === undefined) problems.push(problem(definition.variable, raw, definition.kind));
    return [key, value];
  });
  const secrets = {
    stateUrl: loadSecret(env, 'MCP_STATE_URL', stateUrl, problems),
    apiKey: loadSecret(env, 'MCP_API_KEY', text(MAX_COUNT), problems),
  };
  if (problems.length > 0) throw new SettingsError(problems);

  const settings: Settings = {
    // Each entry was parsed by the kind that gives its key its type.
    ...(Object.fromEntries(values) as Plain),
    ...secrets,
  };
  const conflicts = findConflicts(settings);
  if (conflicts.length > 0) throw new SettingsError(conflicts);
  return settings;
}

/** `MCP_` variables that are no setting, each with the nearest name that is one. */
export function unknownVariables(env: Environment = process.env) {
  return Object.keys(env)
    .filter((name) => name.startsWith('MCP_') && !VARIABLES.includes(name) && !FOREIGN.test(name))
    .sort()
    .map((variable) => ({ variable, suggestion: nearest(variable, VARIABLES) }));
}

export async function stateUrlOf({ stateUrl: secret }: Settings): Promise<string> {
  return (await secret?.read()) ?? 'memory://';
}

/** Effective values by variable name, without secrets and without credentials in URLs. */
export async function publicSettings(settings: Settings): Promise<Record<string, unknown>> {
  const plain = Object.entries<Definition<unknown>>(DEFINITIONS).map(
    ([key, { variable }]) => [variable, settings[key as keyof Plain] ?? null] as const,
  );
  const all = [...plain, ['MCP_STATE_URL', await stateUrlOf(settings)] as const];
  return Object.fromEntries(all.map(([name, value]) => [name, bareUrl(value)]));
}

function bareUrl(value: unknown): unknown {
  if (typeof value !== 'string' || !value.includes('://')) return value;
  return value.replace(/[?#].*$/s, '').replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/]*@/i, '$1');
}

function loadSecret(
  env: Environment,
  variable: string,
  kind: Kind<string>,
  problems: string[],
): Secret | undefined {
  const raw = env[variable]?.trim() ?? '';
  const path = env[`${variable}_FILE`]?.trim() ?? '';
  if (raw !== '' && path !== '') {
    problems.push(`${variable}: expected only one of ${variable} and ${variable}_FILE`);
    return undefined;
  }
  if (raw === '' && path === '') return undefined;
  try {
    const value = path === '' ? raw : readFileSync(path, 'utf8').trim();
    if (kind.parse(value) === undefined) {
      problems.push(`${variable}: ${SERVICE_LINK.test(value) ? LINK_PROBLEM : kind.expected}`);
    }
  } catch {
    problems.push(`${variable}_FILE=${printable(path)}: expected a readable file`);
  }
  return path === '' ? Secret.of(variable, raw) : Secret.file(variable, path);
}

function problem(variable: string, raw: string, kind: Kind<unknown>): string {
  const reason = SERVICE_LINK.test(raw) ? LINK_PROBLEM : kind.expected;
  return `${variable}=${printable(raw)}: ${reason}`;
}

function printable(value: string): string {
  const bare = value.replace(/(:\/\/)[^/]*@/, '$1').replace(/[\p{Control}\p{Format}]/gu, '?');
  return bare.length <= 100 ? bare : `${bare.slice(0, 100)}…`;
}

/** What is wrong with settings that are fine one by one. */
function findConflicts(settings: Settings): string[] {
  const problems: string[] = [];
  for (const key of ['toolsEnabled', 'toolsDisabled'] as const) {
    const unknown = settings[key].filter((name) => !toolNames.includes(name));
    if (unknown.length > 0) {
      const value = printable(unknown.sort().join(','));
      const names = [...toolNames].sort().join(', ');
      problems.push(`${DEFINITIONS[key].variable}=${value}: expected names among ${names}`);
    }
  }
  if (settings.rateLimitPerMinute > 0 && settings.rateLimitBurst === 0) {
    problems.push('MCP_RATE_LIMIT_BURST=0: expected at least 1 with a rate limit');
  }
  if (settings.transport === 'stdio') return problems;

  const host = settings.serverHost;
  if (settings.authMode === 'none') {
    if (!isLoopback(host) && !settings.allowUnauthenticated) {
      problems.push(
        `MCP_SERVER_HOST=${printable(host)}: expected a loopback address without ` +
          'authentication; set MCP_AUTH_MODE=jwt, or MCP_ALLOW_UNAUTHENTICATED=true',
      );
    }
    return problems;
  }
  if (settings.authIssuer === undefined) {
    problems.push("MCP_AUTH_ISSUER=: expected the issuer's URL with MCP_AUTH_MODE=jwt");
  }
  if ((settings.authJwksUrl === undefined) === (settings.authJwksFile === undefined)) {
    problems.push('MCP_AUTH_JWKS_URL=: expected it or MCP_AUTH_JWKS_FILE, one of the two');
  }
  if ((host === '0.0.0.0' || host === '::') && settings.publicUrl === undefined) {
    problems.push(`MCP_PUBLIC_URL=: expected a URL with jwt on wildcard host ${host}`);
  }
  return problems;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
