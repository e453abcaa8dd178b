/** Settings: typed, from the environment, all problems reported at once. */
import { closest } from 'fastest-levenshtein';

import { isLoopback } from '../addresses.js';
import { NAME } from '../package.js';
import {
  bareUrl,
  baseUrl,
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
} from './kinds.js';
import { proxyProblems } from './proxies.js';
import { Secret } from './secrets.js';

export type Environment = Readonly<Record<string, string | undefined>>;

interface Plain<T> {
  readonly variable: string;
  readonly kind: Kind<T>;
  readonly fallback: T;
}

interface Hidden {
  readonly variable: string;
  readonly secret: Kind<string>;
}

export type Definitions = Readonly<Record<string, Plain<unknown> | Hidden>>;

/** What settings are read for. */
interface Readable<D extends Definitions> {
  readonly settings: D;
  readonly tools?: readonly { readonly name: string }[];
}

/** The values of settings, by the names of their definitions. */
export type SettingsOf<D> = {
  readonly [K in keyof D]: D[K] extends Plain<infer T>
    ? T
    : D[K] extends Hidden
      ? Secret | undefined
      : never;
};

const SERVICE_LINK = /^(?:tcp|udp):\/\//;
const LINK_PROBLEM =
  'this looks like a Kubernetes service link; set enableServiceLinks: false or rename the Service';
const FOREIGN = /^MCP_(?:TIMEOUT|TOOL_TIMEOUT|.*_SERVICE_HOST|.*_PORT.*)$/;

export function setting<T>(variable: string, kind: Kind<T>, fallback: T): Plain<T> {
  return { variable, kind, fallback };
}

export function optional<T>(variable: string, kind: Kind<T>): Plain<T | undefined> {
  return { variable, kind, fallback: undefined };
}

/** Read from the variable or from the file that `VARIABLE_FILE` names; never shown. */
export function secret(variable: string, kind: Kind<string>): Hidden {
  return { variable, secret: kind };
}

const count = integer(0, MAX_COUNT);
const positive = integer(1, MAX_COUNT);

/** The settings of every server. */
export const STANDARD = {
  serverName: setting('MCP_SERVER_NAME', text(200), NAME),
  transport: setting('MCP_TRANSPORT', oneOf('stdio', 'http'), 'stdio'),
  serverHost: setting('MCP_SERVER_HOST', text(255), '127.0.0.1'),
  serverPort: setting('MCP_SERVER_PORT', integer(0, 65_535), 8000),
  publicUrl: optional('MCP_PUBLIC_URL', baseUrl),
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
  stateUrl: secret('MCP_STATE_URL', stateUrl),
  stateTtlSeconds: setting('MCP_STATE_TTL_SECONDS', positive, 3600),
  maxOperations: setting('MCP_MAX_OPERATIONS', positive, 16),
  retryAttempts: setting('MCP_RETRY_ATTEMPTS', integer(1, 100), 3),
  breakerFailures: setting('MCP_BREAKER_FAILURES', positive, 5),
  breakerResetSeconds: setting('MCP_BREAKER_RESET_SECONDS', seconds(0.001), 30),
  otlpEndpoint: optional('OTEL_EXPORTER_OTLP_ENDPOINT', httpUrl),
} as const;

export type StandardSettings = SettingsOf<typeof STANDARD>;

/** The environment cannot be used; each problem is one line: variable, value unless secret, what is expected. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/**
 * Reads `settings`, whose definitions hold those of STANDARD, from `env`; `tools` are those that may be named.
 * @throws SettingsError with every problem that was found
 */
export function readSettings<D extends Definitions>(
  { settings: definitions, tools = [] }: Readable<D>,
  env: Environment = process.env,
): SettingsOf<D> & StandardSettings {
  const problems: string[] = [];
  const values = Object.entries(definitions).map(([key, definition]) => [
    key,
    'secret' in definition
      ? readSecret(env, definition, problems)
      : readPlain(env, definition, problems),
  ]);
  problems.push(...proxyProblems(env));
  if (problems.length > 0) throw new SettingsError(problems);
  // Each entry was parsed by the kind that gives its key its type.
  const settings = Object.fromEntries(values) as SettingsOf<D> & StandardSettings;
  const names = tools.map(({ name }) => name);
  const conflicts = [...unknownTools(settings, names), ...findConflicts(settings)];
  if (conflicts.length > 0) throw new SettingsError(conflicts);
  return settings;
}

function unknownTools(settings: StandardSettings, tools: readonly string[]): string[] {
  const names = [...tools].sort().join(', ') || 'none: this server has no tools';
  return (['toolsEnabled', 'toolsDisabled'] as const).flatMap((key) => {
    const unknown = settings[key].filter((name) => !tools.includes(name)).sort();
    if (unknown.length === 0) return [];
    const value = printable(unknown.join(','));
    return [`${STANDARD[key].variable}=${value}: expected names among ${names}`];
  });
}

/** The variables of settings, those of secrets' files included. */
export function variablesOf(definitions: Definitions): readonly string[] {
  return Object.values(definitions).flatMap((definition) =>
    'secret' in definition
      ? [definition.variable, `${definition.variable}_FILE`]
      : [definition.variable],
  );
}

/** `MCP_` variables that are no setting, each with the nearest name that is one. */
export function unknownVariables(definitions: Definitions, env: Environment = process.env) {
  const known = variablesOf(definitions);
  return Object.keys(env)
    .filter((name) => name.startsWith('MCP_') && !known.includes(name) && !FOREIGN.test(name))
    .sort()
    .map((variable) => ({ variable, suggestion: closest(variable, known) }));
}

export function secretsOf(settings: Readonly<Record<string, unknown>>): readonly Secret[] {
  return Object.values(settings).filter((value) => value instanceof Secret);
}

export async function stateUrlOf({ stateUrl: secret }: StandardSettings): Promise<string> {
  return (await secret?.read()) ?? 'memory://';
}

/** Effective values by variable name, without secrets and without credentials in URLs. */
export async function publicSettings(
  definitions: Definitions,
  settings: StandardSettings,
): Promise<Record<string, unknown>> {
  const values = settings as Readonly<Record<string, unknown>>;
  const plain = Object.entries(definitions).flatMap(([key, definition]) =>
    'secret' in definition ? [] : [[definition.variable, values[key] ?? null] as const],
  );
  const all = [...plain, ['MCP_STATE_URL', await stateUrlOf(settings)] as const];
  return Object.fromEntries(all.map(([name, value]) => [name, withoutCredentials(value)]));
}

function withoutCredentials(value: unknown): unknown {
  return typeof value === 'string' && value.includes('://') ? (bareUrl(value) ?? null) : value;
}

function readPlain(env: Environment, definition: Plain<unknown>, problems: string[]): unknown {
  const { variable, kind, fallback } = definition;
  const raw = env[variable]?.trim() ?? '';
  if (raw === '') return fallback;
  const value = kind.parse(raw);
  if (value === undefined) {
    const reason = SERVICE_LINK.test(raw) ? LINK_PROBLEM : kind.expected;
    const shown = kind.show ? kind.show(raw) : raw;
    problems.push(`${variable}${shown === undefined ? '' : `=${printable(shown)}`}: ${reason}`);
  }
  return value;
}

function readSecret(env: Environment, definition: Hidden, problems: string[]): Secret | undefined {
  const { variable, secret: kind } = definition;
  const raw = env[variable]?.trim() ?? '';
  const path = env[`${variable}_FILE`]?.trim() ?? '';
  if (raw !== '' && path !== '') {
    problems.push(`${variable}: expected only one of ${variable} and ${variable}_FILE`);
    return undefined;
  }
  if (raw === '' && path === '') return undefined;
  const accepts = (value: string) => value !== '' && kind.parse(value) !== undefined;
  const found = path === '' ? Secret.of(variable, raw) : Secret.file(variable, path, accepts);
  try {
    const value = found.peek();
    if (value === '') problems.push(`${variable}_FILE: expected a file that is not empty`);
    else if (!accepts(value)) {
      problems.push(`${variable}: ${SERVICE_LINK.test(value) ? LINK_PROBLEM : kind.expected}`);
    }
  } catch {
    problems.push(`${variable}_FILE=${printable(path)}: expected a readable file of UTF-8 text`);
  }
  return found;
}

function printable(value: string): string {
  const bare = value.replace(/[\p{Control}\p{Format}]/gu, '?');
  return bare.length <= 100 ? bare : `${bare.slice(0, 100)}…`;
}

/** What is wrong with settings that are fine one by one. */
function findConflicts(settings: StandardSettings): string[] {
  const problems: string[] = [];
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
