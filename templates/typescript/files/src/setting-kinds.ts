/** How the values of settings are read, and what is said about one that cannot be. */
import { BlockList, isIP } from 'node:net';

/** How a raw value is read; `undefined` means it is not what `expected` says. */
export interface Kind<T> {
  readonly expected: string;
  readonly parse: (raw: string) => T | undefined;
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
  parse: (raw) => {
    const url = URL.canParse(raw) ? new URL(raw) : undefined;
    return url && /^https?:$/.test(url.protocol) && url.port !== '0' ? raw : undefined;
  },
};

export const stateUrl: Kind<string> = {
  expected: 'expected memory://, redis://HOST or rediss://HOST',
  parse: (raw) =>
    raw === 'memory://' || (/^rediss?:\/\/./.test(raw) && URL.canParse(raw)) ? raw : undefined,
};

export const networks: Kind<readonly string[]> = {
  expected: 'expected a comma list of addresses or networks',
  parse: (raw) => {
    const list = words.parse(raw);
    return list?.every((network) => addNetwork(new BlockList(), network)) ? list : undefined;
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
    parse: (raw) => (/^[+-]?\d{1,15}$/.test(raw) ? within(Number(raw), min, max) : undefined),
  };
}

export function seconds(min: number): Kind<number> {
  return {
    expected: `expected a number from ${min} to ${MAX_SECONDS}`,
    parse: (raw) => within(Number(raw), min, MAX_SECONDS),
  };
}

function within(value: number, min: number, max: number): number | undefined {
  return value >= min && value <= max ? value : undefined;
}

/** Adds an address or a CIDR network; false when it is neither. */
export function addNetwork(list: BlockList, network: string): boolean {
  const [address = '', prefix, ...rest] = network.split('/');
  const version = isIP(address);
  const width = version === 6 ? 128 : 32;
  const bits = prefix === undefined ? width : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
  if (version === 0 || rest.length > 0 || bits < 0 || bits > width) return false;
  list.addSubnet(address, bits, version === 6 ? 'ipv6' : 'ipv4');
  return true;
}
