#!/usr/bin/env node
/** Entry point: settings, signals, transport, exit code. */
import { createApp } from './app.js';
import { createLogger, type Logger } from './observability.js';
import { NAME, VERSION } from './package.js';
import { StartError } from './http.js';
import { serveHttp, serveStdio } from './server.js';
import { loadSettings, type Settings, SettingsError, unknownVariables } from './settings.js';
import { startTracing } from './tracing.js';

const INVALID_SETTINGS = 2;

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--version')) {
    process.stdout.write(`${NAME} ${VERSION}\n`);
    return 0;
  }
  let settings: Settings;
  try {
    settings = loadSettings();
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return INVALID_SETTINGS;
  }
  const logger = createLogger(settings);
  for (const unknown of unknownVariables()) {
    logger.warn({ logger: 'settings', ...unknown }, 'settings.unknown_variable');
  }
  return serve(settings, logger);
}

async function serve(settings: Settings, root: Logger): Promise<number> {
  const logger = root.child({ logger: 'main' });
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      stop.abort();
    });
  }
  process.on('unhandledRejection', (error) => {
    logger.error({ err: error }, 'process.unhandled_rejection');
  });
  process.on('uncaughtException', (error) => {
    logger.error({ err: error }, 'process.uncaught_exception');
  });
  const stopTracing = await startTracing(settings.serverName, settings.otlpEndpoint);
  try {
    const app = await createApp(settings, root);
    await (settings.transport === 'http' ? serveHttp : serveStdio)(app, stop.signal);
    return 0;
  } catch (error) {
    const reason = error instanceof StartError ? error.message : undefined;
    logger.error({ reason, err: error }, 'server.failed');
    return 1;
  } finally {
    await stopTracing();
  }
}

process.exit(await main(process.argv.slice(2)));
