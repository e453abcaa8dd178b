/** IP addresses in their many spellings, networks, and whose rate limit an address uses up. */
import { isIP } from 'node:net';

import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;
export type Network = readonly [Address, number];

const CALLER_BITS = 64;

/** `192.0.2.1`, `192.0.2.1:443`, `2001:db8::1`, `[2001:db8::1]:443`; zone and IPv4 mapping are dropped. */
export function readAddress(text: string): Address | undefined {
  const inBrackets = /^\[([^\]]*)\](?:$|:\d+$)/.exec(text)?.[1];
  const address = (inBrackets ?? text.replace(/^([\d.]+):\d+$/, '$1')).replace(/%.*$/, '');
  return isIP(address) === 0 ? undefined : ipaddr.process(address);
}

/** An address or a CIDR network. */
export function readNetwork(text: string): Network | undefined {
  const [address = '', prefix, ...rest] = text.split('/');
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return undefined;
  const parsed = ipaddr.parse(address);
  const width = version === 6 ? 128 : 32;
  const bits = prefix === undefined ? width : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
  return bits >= 0 && bits <= width ? [parsed, bits] : undefined;
}

export function isWithin(address: Address, networks: readonly Network[]): boolean {
  return networks.some(
    ([network, bits]) => network.kind() === address.kind() && address.match(network, bits),
  );
}

/** An IPv4 address, or the network that an IPv6 client can choose its address from. */
export function callerKey(address: Address): string {
  if (address instanceof ipaddr.IPv4) return address.toString();
  const network = ipaddr.IPv6.networkAddressFromCIDR(`${address.toString()}/${CALLER_BITS}`);
  return `${network.toString()}/${CALLER_BITS}`;
}

export function isLoopback(host: string): boolean {
  return host.toLowerCase() === 'localhost' || readAddress(host)?.range() === 'loopback';
}
