/** Proxies for outgoing calls, from the variables that most programs share. */
import { type Dispatcher, Agent, EnvHttpProxyAgent } from 'undici';

import { isLoopback } from '../addresses.js';

type Environment = Readonly<Record<string, string | undefined>>;

const NAMES = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'] as const;

/** The value of a proxy variable; the lower-case spelling wins. */
function proxyFrom(env: Environment, name: string): string | undefined {
  const values = [env[name.toLowerCase()], env[name]].map((value) => value?.trim() ?? '');
  return values.find((value) => value !== '');
}

/** One line for each proxy that cannot be used, without its value. */
export function proxyProblems(env: Environment): string[] {
  return NAMES.flatMap((name) => {
    const value = proxyFrom(env, name);
    const sound = value === undefined || (/^https?:\/\//i.test(value) && URL.canParse(value));
    return sound ? [] : [`${name}: only http:// and https:// proxies are supported`];
  });
}

/** How `origin` is reached: through a proxy, or directly when it is this machine or in NO_PROXY. */
export function dispatcherFor(
  origin: URL,
  options: Agent.Options,
  env: Environment = process.env,
): Dispatcher {
  const [http, https, all] = NAMES.map((name) => proxyFrom(env, name));
  if (isLoopback(origin.hostname)) return new Agent(options);
  return new EnvHttpProxyAgent({
    ...options,
    httpProxy: http ?? all ?? '',
    httpsProxy: https ?? all ?? '',
    noProxy: env['no_proxy'] ?? env['NO_PROXY'] ?? '',
    // Many proxies open tunnels to port 443 only: plain http goes through as a whole URL.
    proxyTunnel: false,
  });
}
