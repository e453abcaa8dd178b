/** A secret from the environment or from a file that may be replaced while the server runs. */
import { readFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';

type Source = { readonly value: string } | { readonly path: string };
type ReadListener = (name: string) => void;

export class Secret {
  /** The variable it came from; the only part that may be logged. */
  readonly name: string;
  readonly #source: Source;
  readonly #accepts: (value: string) => boolean;
  #onRead: ReadListener = () => undefined;
  #cached: string | undefined;
  #version = '';

  private constructor(name: string, source: Source, accepts: (value: string) => boolean) {
    this.name = name;
    this.#source = source;
    this.#accepts = accepts;
  }

  static of(name: string, value: string): Secret {
    return new Secret(name, { value }, () => true);
  }

  /** Of a file that changes, a value is taken only if `accepts` says so. */
  static file(name: string, path: string, accepts = (value: string) => value !== ''): Secret {
    return new Secret(name, { path }, accepts);
  }

  /** Calls `listener` with the name whenever the file is read. */
  onRead(listener: ReadListener): void {
    this.#onRead = listener;
  }

  /** The value now, for a check at the start. @throws when the file cannot be read as UTF-8 */
  peek(): string {
    const source = this.#source;
    return 'value' in source ? source.value : decode(readFileSync(source.path));
  }

  /** The current value; a file is read again when it changed, and its last good value outlives it. */
  async read(): Promise<string> {
    const source = this.#source;
    if ('value' in source) return source.value;
    try {
      const { mtimeMs, size, ino } = await stat(source.path);
      const version = `${mtimeMs}:${size}:${ino}`;
      if (this.#cached === undefined || version !== this.#version) {
        const value = decode(await readFile(source.path));
        if (!this.#accepts(value)) throw new Error(`${this.name}_FILE holds no usable value`);
        this.#cached = value;
        this.#version = version;
        this.#onRead(this.name);
      }
    } catch (error) {
      if (this.#cached === undefined) throw error;
    }
    return this.#cached;
  }
}

function decode(bytes: Uint8Array): string {
  // White space and a byte order mark are no part of a secret; `trim` removes both.
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes).trim();
}
