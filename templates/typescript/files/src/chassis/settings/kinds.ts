/** How the values of settings are read, and what is said about one that cannot be. */
import { readNetwork } from '../addresses.js';

/** How a raw value is read; `undefined` means it is not what `expected` says. */
export interface Kind<T> {
  readonly expected: string;
  readonly parse: (raw: string) => T | undefined;
  /** How a wrong value may be shown: not at all when it might hold what nobody should see. */
  readonly show?: (raw: string) => string | undefined;
}

export const MAX_COUNT = 1_000_000_000;
const MAX_SECONDS = 86_400;

const TRUE = new Set(['true', '1', 'yes', 'on']);
const FALSE = new Set(['false', '0', 'no', 'off']);

export const words: Kind<readonly string[]> = {
  expected: 'expected a comma list',
  parse: (raw) =>
    raw
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
};

export const boolean: Kind<boolean> = {
  expected: 'expected true or false',
  parse: (raw) => {
    const value = raw.toLowerCase();
    return TRUE.has(value) ? true : FALSE.has(value) ? false : undefined;
  },
};

export const httpUrl: Kind<string> = {
  expected: 'expected an http or https URL',
  parse: (raw) => (readHttpUrl(raw) ? raw : undefined),
  show: bareUrl,
};

/** A URL that others are built from, and that may be shown to everybody. */
export const baseUrl: Kind<string> = {
  expected: 'expected an http or https URL without user information, query and fragment',
  parse: (raw) => {
    const url = readHttpUrl(raw);
    return url && !/[?#]/.test(raw) && url.username === '' && url.password === '' ? raw : undefined;
  },
  show: bareUrl,
};

export const stateUrl: Kind<string> = {
  expected: 'expected memory://, redis://HOST or rediss://HOST',
  parse: (raw) =>
    raw === 'memory://' || (/^rediss?:\/\/./.test(raw) && URL.canParse(raw)) ? raw : undefined,
};

/** What can stand in a header. */
export const key: Kind<string> = {
  expected: 'expected visible ASCII characters',
  parse: (raw) => (/^[\x21-\x7e]{1,4096}$/.test(raw) ? raw : undefined),
};

export const networks: Kind<readonly string[]> = {
  expected: 'expected a comma list of addresses or networks',
  parse: (raw) => {
    const list = words.parse(raw);
    return list?.every(readNetwork) ? list : undefined;
  },
};

export function text(max: number): Kind<string> {
  return {
    expected: `expected at most ${max} characters`,
    parse: (raw) => (raw.length <= max ? raw : undefined),
  };
}

export function oneOf<const T extends string>(...values: readonly T[]): Kind<T> {
  const choices = `${values.slice(0, -1).join(', ')} or ${values.at(-1) ?? ''}`;
  return {
    expected: `expected ${choices}`,
    parse: (raw) => values.find((value) => value.toLowerCase() === raw.toLowerCase()),
  };
}

export function integer(min: number, max: number): Kind<number> {
  return {
    expected: `expected an integer from ${min} to ${max}`,
    parse: (raw) => (/^[0-9]{1,15}$/.test(raw) ? within(Number(raw), min, max) : undefined),
  };
}

export function seconds(min: number): Kind<number> {
  return {
    expected: `expected a number from ${min} to ${MAX_SECONDS}`,
    parse: (raw) =>
      /^[0-9]+$|^[0-9]+\.[0-9]+$/.test(raw) ? within(Number(raw), min, MAX_SECONDS) : undefined,
  };
}

/** Without user information, query and fragment; `undefined` when it is no URL. */
export function bareUrl(raw: string): string | undefined {
  const url = URL.canParse(raw) ? new URL(raw) : undefined;
  if (!url) return undefined;
  const path = url.pathname === '/' && !/[^/]\/(?:$|[?#])/.test(raw) ? '' : url.pathname;
  return `${url.protocol}//${url.host}${path}`;
}

function readHttpUrl(raw: string): URL | undefined {
  const url = URL.canParse(raw) ? new URL(raw) : undefined;
  const sound = url && /^https?:$/.test(url.protocol) && url.port !== '0' && !/\s/.test(raw);
  return sound ? url : undefined;
}

function within(value: number, min: number, max: number): number | undefined {
  return value >= min && value <= max ? value : undefined;
}
