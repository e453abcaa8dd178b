/** What a process holds: the parts of a server, put together once from its definition and settings. */
import { KeyCache, keysFromFile, keysFromUrl } from './auth/keys.js';
import { Authenticator } from './auth/tokens.js';
import { Calls } from './calls.js';
import type { Identity } from './context.js';
import { type CallTools, type Resource, type ServerDefinition, type Tool } from './declarations.js';
import { Lifecycle } from './lifecycle.js';
import { Bulkhead, type RateLimiter, TokenBuckets, Waits } from './limits.js';
import { Audit } from './observability/audit.js';
import type { Logger } from './observability/logs.js';
import { createMetrics, type Metrics } from './observability/metrics.js';
import { VERSION } from './package.js';
import { Services } from './services.js';
import {
  publicSettings,
  secretsOf,
  type StandardSettings,
  stateUrlOf,
} from './settings/settings.js';
import { Site } from './site.js';
import { RedisConnection } from './state/connection.js';
import { MemoryStore } from './state/memory.js';
import { Operations } from './state/operations.js';
import { RedisStore, RedisTokenBuckets } from './state/redis.js';
import type { OperationStore } from './state/store.js';

export interface App {
  readonly definition: ServerDefinition;
  readonly settings: StandardSettings;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly lifecycle: Lifecycle;
  readonly calls: Calls;
  readonly authenticator: Authenticator | undefined;
  /** Who calls when nobody is asked to prove it: everything is allowed. */
  readonly anonymous: Identity;
  /** What the settings offer, in the order of the registries. */
  readonly tools: ReadonlyMap<string, Tool>;
  readonly resources: readonly Resource[];
  /** What `/health` checks, by name. */
  readonly health: () => Readonly<Record<string, 'healthy' | 'degraded' | 'disabled'>>;
  /** Set anew when the port is known. */
  site: Site;
  /** Says ready as soon as the store answered once; serving does not wait for it. */
  readonly start: () => void;
  /** Marks what is interrupted `failed` and lets go of the store and of services. */
  readonly stop: () => Promise<void>;
}

const MAX_FINISHED = 1000;
const MAX_FINISHED_IN_ALL = 10_000;
const WAITS_IN_ALL = 4;

/** @throws when a secret cannot be read */
export async function createApp(
  definition: ServerDefinition,
  settings: StandardSettings,
  logger: Logger,
): Promise<App> {
  const metrics = createMetrics();
  const audit = new Audit(logger);
  for (const secret of secretsOf({ ...settings })) {
    secret.onRead((name) => {
      audit.secretRead(name);
    });
    await secret.read();
  }
  const { store, rateLimiter } = await createState(settings, metrics, logger);
  const operations = new Operations(store, logger);
  const services = new Services(definition.services, settings, metrics);
  const keys = createKeys(settings, metrics, logger);
  const lifecycle = new Lifecycle(
    { delaySeconds: settings.shutdownDelaySeconds, graceSeconds: settings.shutdownGraceSeconds },
    logger,
  );
  const shared: Omit<CallTools, 'subject' | 'limits'> = {
    operations,
    use: (service) => services.use(service),
    describeServer: () => describeServer(app),
  };
  const { maxConcurrency } = settings;
  const calls = new Calls({
    logger,
    metrics,
    audit,
    lifecycle,
    rateLimiter,
    bulkhead: new Bulkhead(maxConcurrency, settings.maxQueue, metrics.queued),
    waits: new Waits(maxConcurrency, WAITS_IN_ALL * maxConcurrency),
    timeoutSeconds: settings.toolTimeoutSeconds,
    maxResultBytes: settings.maxResultBytes,
    shared,
  });
  const isOffered = (item: Tool | Resource) =>
    (item.uses ?? []).every((service) => services.has(service)) && item.needs?.(settings) !== false;
  const tools = definition.tools.filter((tool) => isEnabled(tool, settings) && isOffered(tool));
  const app: App = {
    definition,
    settings,
    logger,
    metrics,
    lifecycle,
    calls,
    authenticator:
      keys &&
      new Authenticator({
        issuer: settings.authIssuer ?? '',
        audience: () => settings.authAudience ?? app.site.resource,
        keys: keys.get,
      }),
    anonymous: {
      subject: settings.transport === 'stdio' ? 'local' : 'anonymous',
      scopes: scopesOf([...definition.tools, ...definition.resources]),
    },
    tools: new Map(tools.map((tool) => [tool.name, tool])),
    resources: definition.resources.filter(isOffered),
    health: () => ({
      server: 'healthy',
      state: store.healthy ? 'healthy' : 'degraded',
      ...(keys && { auth: keys.healthy ? 'healthy' : 'degraded' }),
      ...services.health(),
    }),
    site: new Site(settings),
    start: () => {
      void store.connect().then(() => {
        lifecycle.ready();
      });
    },
    stop: async () => {
      await operations.stop();
      await store.close();
      await services.close();
    },
  };
  return app;
}

/** Every scope that something asks for, sorted. */
export function scopesOf(offered: Iterable<{ readonly scope: string }>): readonly string[] {
  return [...new Set([...offered].map(({ scope }) => scope))].sort();
}

/** Least privilege: what changes something is there only when writes are enabled. */
function isEnabled({ name, annotations }: Tool, settings: StandardSettings): boolean {
  const { toolsEnabled, toolsDisabled, enableWrites } = settings;
  return (
    (annotations.readOnlyHint || enableWrites) &&
    (toolsEnabled.length === 0 || toolsEnabled.includes(name)) &&
    !toolsDisabled.includes(name)
  );
}

async function describeServer({ definition, settings, site }: App) {
  const { tools, resources, prompts } = definition;
  const values = await publicSettings(definition.settings, settings);
  return {
    name: settings.serverName,
    version: VERSION,
    capabilities: Object.entries({ prompts, resources, tools })
      .filter(([, offered]) => offered.length > 0)
      .map(([kind]) => kind),
    settings: {
      ...values,
      MCP_PUBLIC_URL: site.url,
      MCP_ALLOWED_HOSTS: site.hosts,
      MCP_ALLOWED_ORIGINS: site.origins,
      MCP_AUTH_AUDIENCE: settings.authAudience ?? site.resource,
    },
  };
}

async function createState(
  settings: StandardSettings,
  metrics: Metrics,
  logger: Logger,
): Promise<{ store: OperationStore; rateLimiter: RateLimiter | undefined }> {
  const { stateUrl, rateLimitPerMinute: perMinute, rateLimitBurst: burst } = settings;
  const limits = {
    maxRunning: settings.maxOperations,
    maxFinished: MAX_FINISHED,
    maxFinishedInAll: MAX_FINISHED_IN_ALL,
    ttlSeconds: settings.stateTtlSeconds,
  };
  const local = perMinute === 0 ? undefined : new TokenBuckets({ perMinute, burst });
  if (!stateUrl || (await stateUrlOf(settings)).startsWith('memory:')) {
    return { store: new MemoryStore(limits), rateLimiter: local };
  }
  const redis = new RedisConnection(stateUrl, metrics, logger);
  const rateLimiter = local && new RedisTokenBuckets(redis, { perMinute, burst }, local);
  return { store: new RedisStore(redis, limits), rateLimiter };
}

function createKeys(
  { transport, authMode, authJwksUrl: url, authJwksFile: file }: StandardSettings,
  metrics: Metrics,
  logger: Logger,
): KeyCache | undefined {
  if (transport === 'stdio' || authMode === 'none') return undefined;
  return new KeyCache(
    url === undefined ? keysFromFile(file ?? '') : keysFromUrl(url),
    metrics,
    logger,
  );
}
