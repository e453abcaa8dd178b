// The client of external services against a real one that fails in every way.
import { beforeEach, describe, expect, test } from 'vitest';

import { createMetrics } from '../../src/chassis/observability/metrics.js';
import { Guard, type GuardOptions } from '../../src/chassis/resilience/guard.js';
import { ServiceClient } from '../../src/chassis/resilience/http-client.js';
import { newUpstream } from '../support/app.js';
import { type Answer, json, type Upstream } from '../support/upstream.js';

const OPTIONS: GuardOptions = {
  timeoutSeconds: 5,
  maxConcurrency: 4,
  attempts: 3,
  breakerFailures: 100,
  breakerResetSeconds: 1,
};

const UNAVAILABLE = { code: 'dependency_unavailable', message: 'upstream is unavailable' };

let service: Upstream;
let metrics: ReturnType<typeof createMetrics>;

beforeEach(async () => {
  service = await newUpstream();
  metrics = createMetrics();
});

function newClient(options: Partial<GuardOptions> = {}): ServiceClient {
  const guard = new Guard('upstream', metrics, { ...OPTIONS, ...options });
  return new ServiceClient('upstream', guard, { baseUrl: service.url }, 1000);
}

/** A call with so many seconds left. */
function fetchItem(client: ServiceClient, seconds = 10, signal = new AbortController().signal) {
  const limits = { signal, deadline: performance.now() + seconds * 1000 };
  return client.getJson('/items/{id}', { id: 'i-1' }, limits);
}

const hang: Answer = () => undefined;
const cut: Answer = (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
  response.write('{"half":');
  setTimeout(() => response.destroy(), 20);
};
const status = (code: number, headers: Record<string, string> = {}) => json({}, code, headers);

describe('a request', () => {
  test('carries nothing of the one before', async () => {
    service.plan(json({}, 200, { 'set-cookie': 'session=canary' }), json({}));
    const client = newClient();
    await fetchItem(client);
    await fetchItem(client);
    expect(service.requests).toHaveLength(2);
    expect(service.requests[1]?.url).toBe('/items/i-1');
    expect(JSON.stringify(service.requests)).not.toContain('canary');
    expect(service.requests[1]?.headers).not.toHaveProperty('authorization');
  });
});

describe('an answer', () => {
  const raw = (bytes: string | Buffer): Answer => {
    return (_request, response) => response.end(bytes);
  };

  test('is cleaned, keeps what is data, and may begin with a byte order mark', async () => {
    service.plan(raw('\ufeff{"title": "\\u001b[31mred\\u001b[0m", "__proto__": 1}'));
    const item = await fetchItem(newClient());
    expect(JSON.stringify(item)).toBe('{"title":"red","__proto__":1}');
  });

  test('404 is nothing, at once', async () => {
    service.plan(status(404));
    await expect(fetchItem(newClient())).resolves.toBeUndefined();
    expect(service.requests).toHaveLength(1);
  });

  test.each<[string, Answer]>([
    ['not JSON', raw('<html>')],
    ['in Latin-1', raw(Buffer.from('{"title": "caf\u00e9"}', 'latin1'))],
    ['nested too deeply', raw('{"a":'.repeat(300) + '1' + '}'.repeat(300))],
    ['larger than allowed', json({ text: 'x'.repeat(2000) })],
    ['a redirect', status(302, { location: 'http://169.254.169.254/' })],
    ['a refusal', status(403)],
    ['a complaint', status(400)],
  ])('that is %s is final, and no failure of the service', async (_case, answer) => {
    service.plan(answer);
    const client = newClient({ breakerFailures: 1 });
    await expect(fetchItem(client)).rejects.toMatchObject(UNAVAILABLE);
    expect(service.requests).toHaveLength(1);
    expect(client.healthy).toBe(true);
  });

  test.each<[string, Answer]>([
    ...[408, 429, 500, 502, 503, 504].map((code): [string, Answer] => [String(code), status(code)]),
    ['a connection that ends', (request) => request.socket.destroy()],
    ['an answer that is cut off', cut],
  ])('%s is asked for again', async (_case, answer) => {
    service.plan(answer, answer, json({ title: 'At last' }));
    await expect(fetchItem(newClient())).resolves.toEqual({ title: 'At last' });
    expect(service.requests).toHaveLength(3);
  });
});

describe('repetition', () => {
  test('follows a try that got no answer in time', async () => {
    service.plan(hang, json({ title: 'At last' }));
    const client = newClient({ timeoutSeconds: 0.5 });
    await expect(fetchItem(client)).resolves.toEqual({ title: 'At last' });
    const text = await metrics.registry.metrics();
    expect(text).toMatch(/mcp_dependency_duration_seconds_count\{[^}]*outcome="timeout"\} 1/);
  });

  test('ends after the configured number of tries', async () => {
    service.plan(status(503));
    await expect(fetchItem(newClient())).rejects.toMatchObject(UNAVAILABLE);
    expect(service.requests).toHaveLength(3);
  });

  test('waits as long as Retry-After says', async () => {
    service.plan(status(429, { 'retry-after': '1' }), json({}));
    const start = performance.now();
    await fetchItem(newClient());
    expect(performance.now() - start).toBeGreaterThanOrEqual(990);
  });

  test('does not begin a wait that the call cannot outlast', async () => {
    service.plan(status(429, { 'retry-after': '60' }), json({}));
    await expect(fetchItem(newClient())).rejects.toMatchObject(UNAVAILABLE);
    expect(service.requests).toHaveLength(1);
  });

  test('stops when the caller gives up', async () => {
    service.plan(hang);
    const controller = new AbortController();
    const call = fetchItem(newClient({ timeoutSeconds: 30 }), 30, controller.signal);
    setTimeout(() => {
      controller.abort(new Error('gave up'));
    }, 50);
    await expect(call).rejects.toThrow('gave up');
    expect(service.requests).toHaveLength(1);
  });
});

describe('the circuit breaker', () => {
  const breakerState = async () => {
    const text = await metrics.registry.metrics();
    return /mcp_circuit_breaker_state\{dependency="upstream"\} (\d)/.exec(text)?.[1];
  };
  const pause = (milliseconds: number) =>
    new Promise((resolve) => setTimeout(resolve, milliseconds));

  test('opens after consecutive failures, lets one try through and closes on its success', async () => {
    const client = newClient({ breakerFailures: 2, attempts: 1 });
    service.plan(status(503));
    await expect(fetchItem(client)).rejects.toMatchObject(UNAVAILABLE);
    expect(client.healthy).toBe(true);
    await expect(fetchItem(client)).rejects.toMatchObject(UNAVAILABLE);
    expect(client.healthy).toBe(false);
    expect(await breakerState()).toBe('2');

    service.plan(json({ title: 'Back' }));
    await expect(fetchItem(client)).rejects.toMatchObject(UNAVAILABLE);
    expect(service.requests).toHaveLength(2);

    await pause(1050);
    await expect(fetchItem(client)).resolves.toEqual({ title: 'Back' });
    expect(client.healthy).toBe(true);
    expect(await breakerState()).toBe('0');
  });

  test('opens again when the one try fails', async () => {
    const client = newClient({ breakerFailures: 1, attempts: 1 });
    service.plan(status(503));
    await expect(fetchItem(client)).rejects.toMatchObject(UNAVAILABLE);
    await pause(1050);
    await expect(fetchItem(client)).rejects.toMatchObject(UNAVAILABLE);
    await expect(fetchItem(client)).rejects.toMatchObject(UNAVAILABLE);
    expect(service.requests).toHaveLength(2);
  });
});

test('a service that hangs holds no more than its own places', async () => {
  const client = newClient({ maxConcurrency: 2 });
  service.plan(hang);
  const controller = new AbortController();
  const held = [1, 2].map(() => fetchItem(client, 10, controller.signal));
  await expect(fetchItem(client)).rejects.toMatchObject(UNAVAILABLE);
  expect(service.requests.length).toBeLessThanOrEqual(2);

  controller.abort(new Error('gave up'));
  for (const call of held) await expect(call).rejects.toThrow('gave up');
  service.plan(json({}));
  await expect(fetchItem(client)).resolves.toEqual({});
  const text = await metrics.registry.metrics();
  expect(text).toMatch(/mcp_dependency_duration_seconds_count\{[^}]*outcome="rejected"\} 1/);
});
