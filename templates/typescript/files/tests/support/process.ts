import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

import type { LogLine } from './app.js';

export interface ServerProcess {
  url: string;
  child: ChildProcess;
  logs: LogLine[];
  /** Everything the process has written to stdout. */
  stdout: () => string;
  logged: (event: string) => Promise<LogLine>;
  /** Sends the signal and resolves with the exit code. */
  stop: (signal?: NodeJS.Signals) => Promise<number | null>;
}

/** The environment of this process without the settings of a server. */
export function cleanEnvironment(settings: Record<string, string>): Record<string, string> {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(MCP|OTEL)_/.test(name));
  return { ...(Object.fromEntries(inherited) as Record<string, string>), ...settings };
}

/** What is shipped, and the server of tests/fixtures: arguments of node. */
export const SHIPPED = ['dist/main.js'];
export const FIXTURE = ['--import', 'tsx', 'tests/fixtures/main.ts'];

/** Starts a server over HTTP on a port that the system chooses. */
export async function startServer(
  settings: Record<string, string> = {},
  command: readonly string[] = SHIPPED,
): Promise<ServerProcess> {
  const child = spawn(process.execPath, command, {
    env: cleanEnvironment({ MCP_TRANSPORT: 'http', MCP_SERVER_PORT: '0', ...settings }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const logs: LogLine[] = [];
  const waiting = new Set<() => void>();
  const notify = () => {
    for (const check of waiting) check();
  };
  createInterface(child.stderr).on('line', (line) => {
    logs.push(line.startsWith('{') ? (JSON.parse(line) as LogLine) : { event: 'raw', line });
    notify();
  });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  const exited = once(child, 'exit');
  child.once('close', notify);

  function logged(event: string): Promise<LogLine> {
    return new Promise((resolve, reject) => {
      const check = () => {
        const line = logs.find((candidate) => candidate.event === event);
        if (line === undefined && child.exitCode === null) return;
        waiting.delete(check);
        if (line === undefined) reject(new Error(`no ${event}: ${JSON.stringify(logs)}`));
        else resolve(line);
      };
      waiting.add(check);
      check();
    });
  }

  async function stop(signal: NodeJS.Signals = 'SIGTERM') {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await exited;
    return child.exitCode;
  }

  const started = await logged('server.started');
  const url = `http://127.0.0.1:${String(started['port'])}`;
  return { url, child, logs, stdout: () => stdout, logged, stop };
}
