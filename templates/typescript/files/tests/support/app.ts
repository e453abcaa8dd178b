import { createApp } from '../../src/app.js';
import { createLogger } from '../../src/observability.js';
import { serveHttp } from '../../src/server.js';
import { loadSettings } from '../../src/settings.js';
import { eventually } from './eventually.js';

export type LogLine = Record<string, unknown> & { event: string };

/** The server over HTTP in this process, on a port that the system chooses. */
export async function serve(settings: Record<string, string> = {}) {
  const logs: LogLine[] = [];
  const loaded = loadSettings({ MCP_TRANSPORT: 'http', MCP_SERVER_PORT: '0', ...settings });
  const logger = createLogger(loaded, { write: (line) => logs.push(JSON.parse(line) as LogLine) });
  const app = await createApp(loaded, logger);
  const stopping = new AbortController();
  const ended = serveHttp(app, stopping.signal);
  const logged = (event: string) =>
    eventually(() => {
      const line = logs.findLast((candidate) => candidate.event === event);
      if (line === undefined) throw new Error(`${event} was not logged`);
      return line;
    });
  const { port } = await logged('server.started');
  return {
    app,
    logs,
    logged,
    url: `http://127.0.0.1:${String(port)}`,
    metrics: () => app.metrics.registry.metrics(),
    /** Begins the shutdown; resolves when it is over. */
    stop: async () => {
      stopping.abort();
      await ended;
    },
  };
}

export type TestServer = Awaited<ReturnType<typeof serve>>;
