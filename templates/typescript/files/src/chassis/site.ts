/** Where this server is found, and who may come: derived from settings and the port that was bound. */
import { isIP } from 'node:net';

import { callerKey, isWithin, type Network, readAddress, readNetwork } from './addresses.js';
import { AppError } from './errors.js';
import type { StandardSettings } from './settings/settings.js';

const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];
const METADATA = '/.well-known/oauth-protected-resource';

export class Site {
  /** The one canonical URL, without a trailing slash. */
  readonly url: string;
  /** The URL that names this server as an OAuth resource. */
  readonly resource: string;
  /** Where RFC 9728 puts the metadata of the resource. */
  readonly metadataUrl: string;
  /** Where the metadata are served: a proxy may take the path of the public URL away, or not. */
  readonly metadataPaths: readonly string[];
  readonly hosts: readonly string[];
  readonly origins: readonly string[];
  readonly #proxies: readonly Network[];

  constructor(settings: StandardSettings, port: number = settings.serverPort) {
    const host = settings.serverHost;
    const authority = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
    this.url = (settings.publicUrl ?? `http://${authority}`).replace(/\/+$/, '');
    this.resource = `${this.url}/mcp`;
    const own = new URL(this.resource);
    this.metadataPaths = [`${METADATA}/mcp`, `${METADATA}${own.pathname}`];
    this.metadataUrl = `${own.origin}${METADATA}${own.pathname}`;
    this.hosts = settings.allowedHosts.length > 0 ? settings.allowedHosts : [...LOOPBACK, own.host];
    this.origins =
      settings.allowedOrigins.length > 0
        ? settings.allowedOrigins
        : [...LOOPBACK.flatMap((name) => [`http://${name}`, `https://${name}`]), own.origin];
    this.#proxies = settings.trustedProxies.map(readNetwork).filter((it) => it !== undefined);
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

  /** Whose rate limit a request uses up: the last address that no trusted proxy stands for. */
  caller(peer: string | undefined, forwardedFor: readonly string[]): string {
    let address = readAddress(peer ?? '');
    if (!address) return 'unknown';
    const hops = forwardedFor.flatMap((line) => line.split(',')).map((hop) => hop.trim());
    for (const hop of hops.filter((hop) => hop !== '').reverse()) {
      if (!isWithin(address, this.#proxies)) break;
      const before = readAddress(hop);
      if (!before) break;
      address = before;
    }
    return callerKey(address);
  }

  /** A development server on this machine may use any port. */
  #allows(origin: string): boolean {
    if (includes(this.origins, origin)) return true;
    const bare = withoutPort(origin);
    return LOOPBACK.some((name) => bare.endsWith(`//${name}`)) && includes(this.origins, bare);
  }
}

function includes(list: readonly string[], value: string): boolean {
  return list.some((entry) => entry.toLowerCase() === value);
}

function withoutPort(host: string): string {
  return host.replace(/:\d+$/, '');
}
