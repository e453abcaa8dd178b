/** The stdio transport: nothing stray goes out, nothing that came in is lost, no line ends the server. */
import { once } from 'node:events';
import { type Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/server';
import { serveStdio as serveConnection } from '@modelcontextprotocol/server/stdio';

import type { App } from '../app.js';
import { correlationIdFrom, runInContext } from '../context.js';
import { isObject, JsonError, parseJson, toJsonLine } from '../json.js';
import type { Logger } from '../observability/logs.js';
import { splitLines } from './lines.js';
import { errorMessage, INVALID_REQUEST, MessageError, readMessage } from './messages.js';
import { PendingRequests } from './pending.js';
import { protocolServers } from './protocol.js';

const INPUT_END_GRACE = 1500;
const OUTPUT_GRACE = 400;

/** Serves until `input` ends or `stop` aborts; what was read before is answered. */
export async function serveStdio(
  app: App,
  stop: AbortSignal,
  input: Readable = process.stdin,
  output: Writable = claimStdout(),
): Promise<void> {
  const { lifecycle } = app;
  const logger = app.logger.child({ logger: 'server' });
  const wire = new LineTransport(app, input, output);
  const connection = serveConnection(
    protocolServers(app, (id) => wire.pending.params(id)),
    {
      transport: wire,
      onerror: (error) => {
        logger.debug({ err: error }, 'protocol.rejected');
      },
    },
  );
  app.start();
  logger.info({ transport: 'stdio', host: null, port: null }, 'server.started');

  const stopped = stop.aborted ? Promise.resolve() : once(stop, 'abort');
  await Promise.race([wire.ended, wire.closed, stopped]);
  if (stop.aborted) {
    await lifecycle.stop();
    await lifecycle.drain(wire.pending.none());
  } else {
    lifecycle.stopping();
    await Promise.race([
      wire.pending.none(),
      sleep(INPUT_END_GRACE, undefined, { ref: false }),
      stopped,
    ]);
  }
  await connection.close();
  await Promise.race([finished(output.end()), sleep(OUTPUT_GRACE, undefined, { ref: false })]);
  await app.stop();
  logger.info('server.stopped');
}

/** The real stdout; from now on whatever else is printed goes to stderr. */
function claimStdout(): Writable {
  const { stdout, stderr } = process;
  const write = stdout.write.bind(stdout);
  stdout.write = stderr.write.bind(stderr);
  const output = new Writable({
    write(chunk: Buffer, encoding, done) {
      write(chunk, encoding, done);
    },
  });
  stdout.on('error', (error: Error) => output.destroy(error));
  return output;
}

/** Lines of JSON between a client and the SDK. */
class LineTransport implements Transport {
  /** Requests that have been read and are not answered. */
  readonly pending = new PendingRequests();
  readonly closed: Promise<void>;
  /** Resolves when everything was read. */
  readonly ended: Promise<void>;
  readonly #app: App;
  readonly #input: Readable;
  readonly #output: Writable;
  readonly #logger: Logger;
  #resolveEnded: () => void = () => undefined;
  #resolveClosed: () => void = () => undefined;
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;

  constructor(app: App, input: Readable, output: Writable) {
    this.#app = app;
    this.#input = input;
    this.#output = output;
    this.#logger = app.logger.child({ logger: 'stdio' });
    this.ended = new Promise((resolve) => (this.#resolveEnded = resolve));
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve));
    output.on('error', () => void this.close());
  }

  start(): Promise<void> {
    void this.#readLines();
    return Promise.resolve();
  }

  async send(message: JSONRPCMessage): Promise<void> {
    this.#write(message);
    this.pending.sent(message);
    await Promise.resolve();
  }

  close(): Promise<void> {
    this.#input.pause();
    this.#resolveClosed();
    this.onclose?.();
    return Promise.resolve();
  }

  async #readLines(): Promise<void> {
    try {
      for await (const line of splitLines(this.#input, this.#app.settings.maxBodyBytes)) {
        this.#receive(line);
      }
    } catch (error) {
      this.#logger.warn({ err: error }, 'stdio.broken');
    } finally {
      this.#resolveEnded();
    }
  }

  #receive(line: Buffer | undefined): void {
    let value: unknown;
    try {
      if (!line) throw new MessageError(INVALID_REQUEST, 'line is larger than allowed');
      value = parseJson(line);
      const message = readMessage(value);
      this.pending.received(message);
      this.onmessage?.(message);
    } catch (error) {
      if (error instanceof JsonError) this.#malformed(error.message);
      else if (error instanceof MessageError) this.#refuse(error, value);
      else throw error;
    }
  }

  /** A readable id gets an answer, and what has none gets one too unless it is a notification. */
  #refuse(error: MessageError, value: unknown): void {
    const { anonymous, calls } = this.#app;
    const correlationId = correlationIdFrom();
    runInContext({ correlationId, identity: anonymous, rateKey: anonymous.subject }, () => {
      this.#malformed(error.message);
      calls.refused(error, anonymous.subject, null);
    });
    const isNotification =
      isObject(value) && !('id' in value) && typeof value['method'] === 'string';
    if (isNotification) return;
    this.#write(
      errorMessage(error.id, error.rpcCode, error.rpcMessage, error.payload(correlationId)),
    );
  }

  #malformed(reason: string): void {
    this.#logger.warn({ reason }, 'stdio.malformed_line');
  }

  #write(message: unknown): void {
    if (!this.#output.destroyed) this.#output.write(`${toJsonLine(message)}\n`);
  }
}
