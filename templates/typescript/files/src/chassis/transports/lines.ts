/** A stream of bytes as lines. */
import type { Readable } from 'node:stream';

const NEWLINE = 0x0a;
const BLANK = /^\s*$/;

/** Lines that are not blank, the last one without its newline too; `undefined` for one that is too long. */
export async function* splitLines(
  input: Readable,
  maxBytes: number,
): AsyncGenerator<Buffer | undefined> {
  let parts: Buffer[] = [];
  let size = 0;
  const keep = (part: Buffer) => {
    size += part.length;
    // What is too long is not kept: only that it is.
    if (size > maxBytes) parts = [];
    else parts.push(part);
  };
  const take = () => {
    const line = size > maxBytes ? undefined : Buffer.concat(parts);
    parts = [];
    size = 0;
    return line;
  };
  for await (const chunk of input as AsyncIterable<Buffer>) {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      keep(chunk.subarray(start, end));
      const line = take();
      if (!line || !isBlank(line)) yield line;
      start = end + 1;
    }
    keep(chunk.subarray(start));
  }
  const last = take();
  if (!last || !isBlank(last)) yield last;
}

function isBlank(line: Buffer): boolean {
  return line.length < 16 && BLANK.test(line.toString('latin1'));
}
