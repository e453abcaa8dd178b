/** The process of a server: arguments, settings, signals, transport, exit code. */
import { createApp } from './app.js';
import type { ServerDefinition } from './declarations.js';
import { createLogger, type Logger } from './observability/logs.js';
import { startTracing } from './observability/tracing.js';
import { NAME, VERSION } from './package.js';
import {
  readSettings,
  SettingsError,
  type StandardSettings,
  unknownVariables,
} from './settings/settings.js';
import { serveHttp } from './transports/http.js';
import { StartError } from './transports/listener.js';
import { serveStdio } from './transports/stdio.js';

const INVALID_SETTINGS = 2;

/** Serves until the process is told to stop; resolves to its exit code. */
export async function run(definition: ServerDefinition, args: readonly string[]): Promise<number> {
  if (args.includes('--version')) {
    process.stdout.write(`${NAME} ${VERSION}\n`);
    return 0;
  }
  try {
    const settings = readSettings(definition);
    const logger = createLogger(settings);
    for (const unknown of unknownVariables(definition.settings)) {
      logger.warn({ logger: 'settings', ...unknown }, 'settings.unknown_variable');
    }
    return await serve(definition, settings, logger);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return INVALID_SETTINGS;
  }
}

async function serve(
  definition: ServerDefinition,
  settings: StandardSettings,
  root: Logger,
): Promise<number> {
  const logger = root.child({ logger: 'main' });
  const stop = stopSignal();
  process.on('unhandledRejection', (error) => {
    logger.error({ err: error }, 'process.unhandled_rejection');
  });
  process.on('uncaughtException', (error) => {
    logger.error({ err: error }, 'process.uncaught_exception');
  });
  const stopTracing = await startTracing(settings.serverName, settings.otlpEndpoint);
  try {
    const app = await createApp(definition, settings, root);
    await (settings.transport === 'http' ? serveHttp : serveStdio)(app, stop);
    return 0;
  } catch (error) {
    const reason = error instanceof StartError ? error.message : undefined;
    logger.error({ reason, err: error }, 'server.failed');
    return 1;
  } finally {
    await stopTracing();
  }
}

/** Signals within this time are one: who stops a process group and make in it pass the same one on, in ms. */
const SAME_SIGNAL = 500;

/** Aborts on the first SIGTERM or SIGINT; the second one ends the process at once. */
function stopSignal(): AbortSignal {
  const stop = new AbortController();
  let first: number | undefined;
  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const) {
    process.on(signal, () => {
      first ??= performance.now();
      if (performance.now() - first > SAME_SIGNAL) process.exit(code);
      stop.abort();
    });
  }
  return stop.signal;
}
