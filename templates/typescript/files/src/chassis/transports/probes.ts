/** The endpoints beside the protocol; none of them causes an outgoing call. */
import type { ServerResponse } from 'node:http';

import { type App, scopesOf } from '../app.js';
import { VERSION } from '../package.js';
import { sendJson } from './answers.js';

type Probe = (app: App, res: ServerResponse) => void | Promise<void>;

/** Open to every Host and Origin: by path. */
export const PROBES: ReadonlyMap<string, Probe> = new Map<string, Probe>([
  ['/live', live],
  ['/ready', ready],
  ['/health', health],
  ['/metrics', metrics],
]);

function live(_: App, res: ServerResponse): void {
  sendJson(res, 200, { status: 'alive' });
}

function ready({ lifecycle: { phase } }: App, res: ServerResponse): void {
  sendJson(res, phase === 'ready' ? 200 : 503, { status: phase });
}

/** From cached state and the breakers. */
function health(app: App, res: ServerResponse): void {
  const checks = app.health();
  const status = Object.values(checks).includes('degraded') ? 'degraded' : 'healthy';
  sendJson(res, 200, { status, version: VERSION, checks });
}

async function metrics({ metrics: { registry } }: App, res: ServerResponse): Promise<void> {
  const text = await registry.metrics();
  res.writeHead(200, { 'Content-Type': registry.contentType }).end(text);
}

/** RFC 9728: which authorization server issues tokens for this resource. */
export function answerMetadata(app: App, res: ServerResponse): void {
  sendJson(res, 200, {
    resource: app.site.resource,
    authorization_servers: [app.settings.authIssuer],
    scopes_supported: offeredScopes(app),
    bearer_methods_supported: ['header'],
  });
}

export function offeredScopes({ tools, resources }: App): readonly string[] {
  return scopesOf([...tools.values(), ...resources]);
}
