/** A secret from the environment or from a file that may be replaced while the server runs. */
import { readFile, stat } from 'node:fs/promises';

type Source = { readonly value: string } | { readonly path: string };
type ReadListener = (name: string) => void;

export class Secret {
  /** The variable it came from; the only part that may be logged. */
  readonly name: string;
  readonly #source: Source;
  #onRead: ReadListener = () => undefined;
  #cached: string | undefined;
  #version = '';

  private constructor(name: string, source: Source) {
    this.name = name;
    this.#source = source;
  }

  static of(name: string, value: string): Secret {
    return new Secret(name, { value });
  }

  static file(name: string, path: string): Secret {
    return new Secret(name, { path });
  }

  /** Calls `listener` with the name whenever the file is read. */
  onRead(listener: ReadListener): void {
    this.#onRead = listener;
  }

  /** The current value; a file is read again when it changed, and its last good value outlives it. */
  async read(): Promise<string> {
    const source = this.#source;
    if ('value' in source) return source.value;
    try {
      const { mtimeMs, size, ino } = await stat(source.path);
      const version = `${mtimeMs}:${size}:${ino}`;
      if (this.#cached === undefined || version !== this.#version) {
        this.#cached = (await readFile(source.path, 'utf8')).trim();
        this.#version = version;
        this.#onRead(this.name);
      }
    } catch (error) {
      if (this.#cached === undefined) throw error;
    }
    return this.#cached;
  }
}
