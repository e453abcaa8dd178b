/** stdin and stdout as the protocol needs them: nothing stray goes out, nothing that came in is lost. */
import { once } from 'node:events';
import { type Readable, Transform, type TransformCallback, Writable } from 'node:stream';

import { isObject } from './json.js';
import type { Logger } from './observability.js';

const NEWLINE = 0x0a;

/** The real stdout; from now on whatever else is printed goes to stderr. */
export function claimStdout(): Writable {
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

/** Lines of stdin that stays open when stdin ends, so that answers still find their way. */
export function openStdin(maxLineBytes: number, logger: Logger) {
  const lines = new LineLimit(maxLineBytes, logger.child({ logger: 'stdio' }));
  process.stdin.pipe(lines, { end: false });
  const ended = Promise.race([once(process.stdin, 'end'), once(process.stdin, 'close')]);
  return { lines: lines as Readable, ended };
}

/** Passes whole lines and drops those that are too long. */
export class LineLimit extends Transform {
  readonly #maxBytes: number;
  readonly #logger: Logger;
  #parts: Buffer[] = [];
  #size = 0;

  constructor(maxBytes: number, logger: Logger) {
    super();
    this.#maxBytes = maxBytes;
    this.#logger = logger;
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: TransformCallback): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      this.#keep(chunk.subarray(start, end + 1));
      this.#endLine();
      start = end + 1;
    }
    this.#keep(chunk.subarray(start));
    done();
  }

  #keep(part: Buffer): void {
    this.#size += part.length;
    if (this.#size > this.#maxBytes) this.#parts = [];
    else if (part.length > 0) this.#parts.push(part);
  }

  #endLine(): void {
    if (this.#size > this.#maxBytes) this.#logger.warn({ size: this.#size }, 'stdio.line_dropped');
    else this.push(Buffer.concat(this.#parts));
    this.#parts = [];
    this.#size = 0;
  }
}

/** Requests that have come in and are not answered yet. */
export class PendingRequests {
  readonly #ids = new Set<unknown>();
  #none: (() => void) | undefined;

  received(message: unknown): void {
    if (!isObject(message)) return;
    const { id, method, params } = message;
    if (method === 'notifications/cancelled' && isObject(params)) this.#settle(params['requestId']);
    else if (method !== undefined && id !== undefined) this.#ids.add(id);
  }

  sent(message: unknown): void {
    if (isObject(message) && message['method'] === undefined) this.#settle(message['id']);
  }

  /** Resolves as soon as there is none. */
  none(): Promise<void> {
    return new Promise((resolve) => {
      this.#none = resolve;
      if (this.#ids.size === 0) resolve();
    });
  }

  #settle(id: unknown): void {
    this.#ids.delete(id);
    if (this.#ids.size === 0) this.#none?.();
  }
}
