/** Text as Unicode defines it: code points, White_Space; and text from outside, made harmless. */
import { isObject } from './json.js';

const LONE_SURROGATE = /\p{Surrogate}/u;
const EDGES = /^\p{White_Space}+|\p{White_Space}+$/gu;
const WORD = /\P{White_Space}+/gu;
// Control sequences such as colours, strings such as window titles, then what control characters remain.
const TERMINAL_CONTROL =
  // eslint-disable-next-line no-control-regex -- control characters are what it finds
  /\u001B\[[0-?]*[ -/]*[@-~]|\u001B[\]PX^_].*?(?:\u0007|\u001B\\|\u009C|$)|\u001B[ -/]*[0-~]?|(?![\n\t])\p{Control}/gsu;
/** What makes text read otherwise than it is: bidirectional overrides, and tag characters that nobody sees. */
const INVISIBLE = /[\u202A-\u202E\u2066-\u2069]|\uDB40[\uDC00-\uDC7F]/g;

/** Length in code points, not in UTF-16 units. */
export function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

export function isWellFormed(text: string): boolean {
  return !LONE_SURROGATE.test(text);
}

/** `String.prototype.trim` differs: it strips U+FEFF, which is no White_Space, and keeps U+0085. */
export function trim(text: string): string {
  return text.replace(EDGES, '');
}

export function isBlank(text: string): boolean {
  return trim(text) === '';
}

export function countWords(text: string): number {
  return text.match(WORD)?.length ?? 0;
}

/** Removes terminal escapes, control characters other than newline and tab, and invisible instructions. */
export function cleanText(text: string): string {
  return text.toWellFormed().replace(TERMINAL_CONTROL, '').replace(INVISIBLE, '');
}

/** `cleanText` on every string and key of a JSON value, at every depth. */
export function cleanJson(value: unknown): unknown {
  if (typeof value === 'string') return cleanText(value);
  if (Array.isArray(value)) return value.map(cleanJson);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [cleanText(key), cleanJson(member)]),
  );
}
