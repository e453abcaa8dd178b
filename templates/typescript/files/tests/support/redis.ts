import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

import { createClient } from '@redis/client';

import { temporaryFolder } from './folders.js';

export const hasRedis = spawnSync('redis-server', ['--version']).status === 0;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** A Redis of our own, empty, that can be stopped and started again on the same port. */
export async function startRedis(port?: number) {
  const chosen = port ?? (await freePort());
  const options = [
    '--port',
    String(chosen),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--appendonly',
    'no',
  ];
  const child = spawn('redis-server', options, {
    cwd: temporaryFolder(),
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  for await (const chunk of child.stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
    if (String(chunk).includes('Ready to accept connections')) break;
  }
  child.stdout.resume();
  const exited = once(child, 'exit');
  return {
    url: `redis://127.0.0.1:${chosen}/0`,
    port: chosen,
    /** Sends one command, as an operator would. */
    command: async (...words: string[]) => {
      const client = createClient({ socket: { host: '127.0.0.1', port: chosen } });
      await client.connect();
      await client.sendCommand(words);
      client.destroy();
    },
    stop: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
