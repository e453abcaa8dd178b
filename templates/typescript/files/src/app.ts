/** The parts of a server, put together once from its settings. */
import { Authenticator, keysFromFile, keysFromUrl } from './auth.js';
import { Calls } from './calls.js';
import type { Identity } from './context.js';
import { Lifecycle } from './lifecycle.js';
import { Bulkhead, type RateLimiter, TokenBuckets } from './limits.js';
import { createMetrics, type Metrics } from './metrics.js';
import { Audit, createLogger, type Logger } from './observability.js';
import { Operations } from './operations.js';
import { VERSION } from './package.js';
import { RecordsApi } from './records.js';
import { RedisConnection } from './redis.js';
import { Guard } from './resilience.js';
import { publicSettings, type Settings, stateUrlOf } from './settings.js';
import { Site } from './site.js';
import { MemoryStore, type OperationStore } from './state.js';
import { RedisStore, RedisTokenBuckets } from './state-redis.js';
import { type Resource, type Tool } from './tools/contract.js';
import { enabledResources, enabledTools, scopes } from './tools/registry.js';

export interface App {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly lifecycle: Lifecycle;
  readonly calls: Calls;
  readonly store: OperationStore;
  readonly operations: Operations;
  readonly records: RecordsApi | undefined;
  readonly authenticator: Authenticator | undefined;
  /** Who calls when nobody is asked to prove it: everything is allowed. */
  readonly anonymous: Identity;
  readonly tools: ReadonlyMap<string, Tool>;
  readonly resources: readonly Resource[];
  /** Set anew when the port is known. */
  site: Site;
}

/** Operations that are kept at once, of all subjects. */
const MAX_KEPT = 10_000;

/** @throws when the file of a secret cannot be read */
export async function createApp(
  settings: Settings,
  logger: Logger = createLogger(settings),
): Promise<App> {
  const metrics = createMetrics();
  const audit = new Audit(logger);
  for (const secret of [settings.stateUrl, settings.apiKey]) {
    secret?.onRead((name) => {
      audit.secretRead(name);
    });
  }
  await settings.apiKey?.read();

  const shared = !(await stateUrlOf(settings)).startsWith('memory:');
  const redis =
    shared && settings.stateUrl
      ? new RedisConnection(settings.stateUrl, metrics, logger)
      : undefined;
  const limits = {
    maxRunning: settings.maxOperations,
    maxKept: MAX_KEPT,
    ttlSeconds: settings.stateTtlSeconds,
  };
  const store = redis ? new RedisStore(redis, limits) : new MemoryStore(limits);
  const operations = new Operations(store, logger.child({ logger: 'operations' }));
  const lifecycle = new Lifecycle(
    { delaySeconds: settings.shutdownDelaySeconds, graceSeconds: settings.shutdownGraceSeconds },
    logger,
  );
  const records = createRecords(settings, metrics);
  const calls = new Calls({
    logger,
    metrics,
    audit,
    lifecycle,
    rateLimiter: createRateLimiter(settings, redis),
    bulkhead: new Bulkhead(settings.maxConcurrency, settings.maxQueue, {
      running: metrics.inFlight,
      queued: metrics.queued,
    }),
    timeoutSeconds: settings.toolTimeoutSeconds,
    maxResultBytes: settings.maxResultBytes,
    toolServices: { operations, records },
  });
  const app: App = {
    settings,
    logger,
    metrics,
    lifecycle,
    calls,
    store,
    operations,
    records,
    authenticator: createAuthenticator(settings, () => app.site.resource, logger),
    anonymous: { subject: settings.transport === 'stdio' ? 'local' : 'anonymous', scopes },
    tools: enabledTools(settings),
    resources: enabledResources(settings),
    site: new Site(settings),
  };
  return app;
}

/** Says ready as soon as the store answered once; serving does not wait for it. */
export function startApp({ store, lifecycle }: App): void {
  void store.connect().then(() => {
    lifecycle.ready();
  });
}

/** Marks what is interrupted `failed` and lets go of the store. */
export async function stopApp({ operations, store }: App): Promise<void> {
  await operations.stop();
  await store.close();
}

/** What `config://server-settings` holds. */
export async function describeServer({ settings, site }: App) {
  const values = await publicSettings(settings);
  return {
    name: settings.serverName,
    version: VERSION,
    capabilities: ['prompts', 'resources', 'tools'],
    settings: {
      ...values,
      MCP_PUBLIC_URL: site.url,
      MCP_ALLOWED_HOSTS: site.hosts,
      MCP_ALLOWED_ORIGINS: site.origins,
      MCP_AUTH_AUDIENCE: settings.authAudience ?? site.resource,
    },
  };
}

function createRateLimiter(
  { rateLimitPerMinute: perMinute, rateLimitBurst: burst }: Settings,
  redis: RedisConnection | undefined,
): RateLimiter | undefined {
  if (perMinute === 0) return undefined;
  const local = new TokenBuckets({ perMinute, burst });
  return redis ? new RedisTokenBuckets(redis, { perMinute, burst }, local) : local;
}

function createRecords(settings: Settings, metrics: Metrics): RecordsApi | undefined {
  if (settings.apiBaseUrl === undefined) return undefined;
  const guard = new Guard('external_api', metrics, {
    timeoutSeconds: settings.apiTimeoutSeconds,
    maxConcurrency: settings.apiMaxConcurrency,
    attempts: settings.retryAttempts,
    breakerFailures: settings.breakerFailures,
    breakerResetSeconds: settings.breakerResetSeconds,
  });
  return new RecordsApi({
    baseUrl: settings.apiBaseUrl,
    apiKey: settings.apiKey,
    guard,
    maxBytes: settings.maxResultBytes,
  });
}

function createAuthenticator(
  settings: Settings,
  resource: () => string,
  logger: Logger,
): Authenticator | undefined {
  const { authIssuer: issuer, authJwksUrl: url, authJwksFile: file } = settings;
  if (settings.transport === 'stdio' || settings.authMode === 'none' || !issuer) return undefined;
  const source = url !== undefined ? keysFromUrl(url) : keysFromFile(file ?? '');
  return new Authenticator(
    { issuer, audience: () => settings.authAudience ?? resource(), source },
    logger,
  );
}
