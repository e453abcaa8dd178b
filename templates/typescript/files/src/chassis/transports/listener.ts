/** The listening socket: how long a connection may take, and what it must not exceed. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';

import type { Metrics } from '../observability/metrics.js';
import type { StandardSettings } from '../settings/settings.js';

const READ_TIMEOUT = 30_000;
const READ_CHECK_INTERVAL = 5000;
/** Longer than load balancers keep theirs, so that they never send on one that closes. */
const KEEP_ALIVE_TIMEOUT = 75_000;
const MAX_HEAD_BYTES = 16_384;

export function createListener(metrics: Metrics, handle: RequestListener): Server {
  const server = createServer(
    {
      requestTimeout: READ_TIMEOUT,
      headersTimeout: READ_TIMEOUT,
      connectionsCheckingInterval: READ_CHECK_INTERVAL,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT,
      maxHeaderSize: MAX_HEAD_BYTES,
      noDelay: true,
    },
    handle,
  );
  server.on('connection', (socket) => {
    metrics.openConnections.inc();
    socket.once('close', () => {
      metrics.openConnections.dec();
    });
  });
  return server;
}

/** The server cannot start for a reason outside of it. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

/** @throws StartError */
export async function listen(
  server: Server,
  { serverHost, serverPort }: StandardSettings,
): Promise<void> {
  server.listen(serverPort, serverHost);
  try {
    await once(server, 'listening');
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
    throw new StartError(`cannot listen on ${serverHost}:${serverPort}: ${reason}`);
  }
}
