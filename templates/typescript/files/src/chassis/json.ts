/** JSON values: read strictly from bytes, written for lines, compared by their canonical text. */

export type JsonObject = Readonly<Record<string, unknown>>;

const MAX_NESTING = 200;
/** Readers that split text into lines may split at these too. */
const LINE_BREAKS = /[\u0085\u2028\u2029]/g;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Bytes that are no JSON which can be trusted; the message says what is wrong with them. */
export class JsonError extends Error {
  override readonly name = 'JsonError';
}

/**
 * Strict UTF-8 (a leading byte order mark is skipped), finite numbers, not nested too deeply.
 * A key `__proto__` is data like any other.
 * @throws JsonError
 */
export function parseJson(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    throw new JsonError('is not valid UTF-8', { cause: error });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new JsonError('is not valid JSON', { cause: error });
  }
  check(value, MAX_NESTING);
  return value;
}

function check(value: unknown, levels: number): void {
  if (value === Infinity || value === -Infinity) throw new JsonError('is not valid JSON');
  if (typeof value !== 'object' || value === null) return;
  if (levels === 0) throw new JsonError('is nested too deeply');
  for (const member of Object.values(value)) check(member, levels - 1);
}

/** JSON text that is one line, whatever a reader takes for the end of a line. */
export function toJsonLine(value: unknown): string {
  return escapeLineBreaks(JSON.stringify(value));
}

export function escapeLineBreaks(json: string): string {
  return json.replace(
    LINE_BREAKS,
    (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** The same value with the keys of every object sorted by code unit. */
export function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, member]) => [key, sortKeys(member)]));
}

/** Text that is equal for equal values, whatever the order of their keys. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sortKeys(value));
}
