/** Where this server is found, and who may come: derived from settings and the port that was bound. */
import { BlockList, isIP } from 'node:net';

import { AppError } from './errors.js';
import { addNetwork } from './setting-kinds.js';
import type { Settings } from './settings.js';

const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];

export class Site {
  /** The one canonical URL, without a trailing slash. */
  readonly url: string;
  /** The URL that names this server as an OAuth resource. */
  readonly resource: string;
  /** Where RFC 9728 puts the metadata of the resource. */
  readonly metadataUrl: string;
  readonly hosts: readonly string[];
  readonly origins: readonly string[];
  readonly #proxies = new BlockList();

  constructor(settings: Settings, port: number = settings.serverPort) {
    const host = settings.serverHost;
    const authority = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
    this.url = (settings.publicUrl ?? `http://${authority}`).replace(/\/+$/, '');
    this.resource = `${this.url}/mcp`;
    const own = new URL(this.resource);
    this.metadataUrl = `${own.origin}/.well-known/oauth-protected-resource${own.pathname}`;
    this.hosts = settings.allowedHosts.length > 0 ? settings.allowedHosts : [...LOOPBACK, own.host];
    this.origins =
      settings.allowedOrigins.length > 0
        ? settings.allowedOrigins
        : [...LOOPBACK.flatMap((name) => [`http://${name}`, `https://${name}`]), own.origin];
    for (const network of settings.trustedProxies) addNetwork(this.#proxies, network);
  }

  /** @throws AppError `forbidden` */
  check(host: string | undefined, origin: string | undefined): void {
    const name = (host ?? '').toLowerCase();
    if (!includes(this.hosts, name) && !includes(this.hosts, withoutPort(name))) {
      throw new AppError('forbidden', { message: 'host not allowed' });
    }
    if (origin !== undefined && !this.#allows(origin.toLowerCase())) {
      throw new AppError('forbidden', { message: 'origin not allowed' });
    }
  }

  /** The client's address: the last one that no trusted proxy stands for. */
  clientAddress(peer: string | undefined, forwardedFor: string | undefined): string {
    let address = unmapped(peer ?? 'unknown');
    const hops = (forwardedFor ?? '').split(',').map((hop) => hop.trim());
    for (const hop of hops.filter((hop) => hop !== '').reverse()) {
      if (!this.#isProxy(address)) break;
      address = unmapped(hop);
    }
    return address;
  }

  /** A development server on this machine may use any port. */
  #allows(origin: string): boolean {
    if (includes(this.origins, origin)) return true;
    const bare = withoutPort(origin);
    return LOOPBACK.some((name) => bare.endsWith(`//${name}`)) && includes(this.origins, bare);
  }

  #isProxy(address: string): boolean {
    const version = isIP(address);
    return version !== 0 && this.#proxies.check(address, version === 6 ? 'ipv6' : 'ipv4');
  }
}

function includes(list: readonly string[], value: string): boolean {
  return list.some((entry) => entry.toLowerCase() === value);
}

function withoutPort(host: string): string {
  return host.replace(/:\d+$/, '');
}

/** IPv4 clients of a dual-stack socket look like `::ffff:192.0.2.1`. */
function unmapped(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}
