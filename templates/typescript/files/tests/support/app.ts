import { afterEach } from 'vitest';

import { createApp } from '../../src/chassis/app.js';
import type { ServerDefinition } from '../../src/chassis/declarations.js';
import { createLogger, type Logger } from '../../src/chassis/observability/logs.js';
import { readSettings } from '../../src/chassis/settings/settings.js';
import { serveHttp } from '../../src/chassis/transports/http.js';
import { fixture } from '../fixtures/server.js';
import { eventually } from './eventually.js';
import { type Answer, startUpstream } from './upstream.js';

export type LogLine = Record<string, unknown> & { event: string };

const started: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of started.splice(0)) await stop();
});

/** A logger that collects what is written; a name that stands twice in a line is an error. */
export function collectLogs(settings: Record<string, string> = {}) {
  const logs: LogLine[] = [];
  const logger = createLogger(readSettings(fixture, settings), {
    write: (line) => {
      const names = [...line.matchAll(/"([a-z_]+)":/g)].map(([, name]) => name);
      if (new Set(names).size < names.length) throw new Error(`a name stands twice: ${line}`);
      logs.push(JSON.parse(line) as LogLine);
    },
  });
  const logged = (event: string) =>
    eventually(() => {
      const line = logs.findLast((candidate) => candidate.event === event);
      if (line === undefined) throw new Error(`${event} was not logged`);
      return line;
    });
  return { logger, logs, logged };
}

export function silentLogger(): Logger {
  return collectLogs().logger;
}

/** An app without a transport. */
export function newApp(
  settings: Record<string, string> = {},
  definition: ServerDefinition = fixture,
) {
  return createApp(definition, readSettings(definition, settings), silentLogger());
}

/** The server over HTTP in this process, on a port that the system chooses; stopped after the test. */
export async function serve(
  settings: Record<string, string> = {},
  definition: ServerDefinition = fixture,
) {
  const environment = {
    MCP_TRANSPORT: 'http',
    MCP_SERVER_PORT: '0',
    MCP_SHUTDOWN_GRACE_SECONDS: '1',
    ...settings,
  };
  const { logger, logs, logged } = collectLogs(environment);
  const app = await createApp(definition, readSettings(definition, environment), logger);
  const stopping = new AbortController();
  const ended = serveHttp(app, stopping.signal);
  /** Begins the shutdown; resolves when it is over. */
  const stop = async () => {
    stopping.abort();
    await ended;
  };
  started.push(stop);
  const { port } = await logged('server.started');
  return {
    app,
    logs,
    logged,
    stop,
    url: `http://127.0.0.1:${String(port)}`,
    metrics: () => app.metrics.registry.metrics(),
  };
}

/** An external service, stopped after the test. */
export async function newUpstream(...answers: Answer[]) {
  const upstream = await startUpstream(...answers);
  started.push(upstream.close);
  return upstream;
}

export type TestServer = Awaited<ReturnType<typeof serve>>;
