/** Text as Unicode defines it: code points, White_Space, full case mapping. */
const LONE_SURROGATE = /\p{Surrogate}/u;
const EDGES = /^\p{White_Space}+|\p{White_Space}+$/gu;
const WORD = /\P{White_Space}+/gu;
// Control sequences such as colours, strings such as window titles, then what control characters remain.
const TERMINAL_CONTROL =
  // eslint-disable-next-line no-control-regex -- control characters are what it finds
  /\u001B\[[0-?]*[ -/]*[@-~]|\u001B[\]PX^_].*?(?:\u0007|\u001B\\|\u009C|$)|\u001B[ -/]*[0-~]?|(?![\n\t])\p{Control}/gsu;

/** Length in code points, not in UTF-16 units. */
export function codePoints(text: string): number {
  return Array.from(text).length;
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

/** Removes terminal escapes and control characters other than newline and tab. */
export function cleanText(text: string): string {
  return text.replace(TERMINAL_CONTROL, '');
}

/** `cleanText` on every string and key of a JSON value, at every depth. */
export function cleanJson(value: unknown): unknown {
  if (typeof value === 'string') return cleanText(value);
  if (Array.isArray(value)) return value.map(cleanJson);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [cleanText(key), cleanJson(member)]),
  );
}

/** The candidate that takes the fewest edits to become. */
export function nearest(word: string, candidates: readonly string[]): string {
  const ranked = candidates.map((name) => ({ name, distance: editDistance(word, name) }));
  ranked.sort((a, b) => a.distance - b.distance);
  return ranked[0]?.name ?? '';
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (const [row, left] of Array.from(a).entries()) {
    const current = [row + 1];
    for (const [column, right] of Array.from(b).entries()) {
      const substitution = (previous[column] ?? 0) + (left === right ? 0 : 1);
      const gap = Math.min(current[column] ?? 0, previous[column + 1] ?? 0) + 1;
      current.push(Math.min(substitution, gap));
    }
    previous = current;
  }
  return previous.at(-1) ?? 0;
}
