// The client of the records service against a real one that fails in every way.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

import { createMetrics } from '../../src/metrics.js';
import { RecordsApi } from '../../src/records.js';
import { Guard, type GuardOptions } from '../../src/resilience.js';
import { Secret } from '../../src/secrets.js';
import { type Answer, json, type Records, startRecords } from '../support/records.js';

const OPTIONS: GuardOptions = {
  timeoutSeconds: 5,
  maxConcurrency: 4,
  attempts: 3,
  breakerFailures: 100,
  breakerResetSeconds: 1,
};

const UNAVAILABLE = { code: 'dependency_unavailable', message: 'external_api is unavailable' };

let service: Records;
let metrics: ReturnType<typeof createMetrics>;

beforeEach(async () => {
  service = await startRecords();
  metrics = createMetrics();
});
afterEach(() => service.close());

function newApi(options: Partial<GuardOptions> = {}, apiKey?: string): RecordsApi {
  return new RecordsApi({
    baseUrl: `${service.url}/v1/`,
    apiKey: apiKey === undefined ? undefined : Secret.of('MCP_API_KEY', apiKey),
    guard: new Guard('external_api', metrics, { ...OPTIONS, ...options }),
    maxBytes: 1000,
  });
}

/** A call with so many seconds left. */
function fetchRecord(api: RecordsApi, seconds = 10, signal = new AbortController().signal) {
  return api.fetch('r-1', { signal, deadline: performance.now() + seconds * 1000 });
}

const hang: Answer = () => undefined;
const cut: Answer = (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
  response.write('{"half":');
  setTimeout(() => response.destroy(), 20);
};
const status = (code: number, headers: Record<string, string> = {}) => json({}, code, headers);

describe('a request', () => {
  test('carries the key and nothing of the caller', async () => {
    service.plan(json({ title: 'Kept' }));
    await expect(fetchRecord(newApi({}, 'the-key'))).resolves.toEqual({ title: 'Kept' });
    expect(service.requests).toHaveLength(1);
    expect(service.requests[0]).toMatchObject({
      url: '/v1/records/r-1',
      headers: { accept: 'application/json', authorization: 'Bearer the-key' },
    });
  });

  test('carries no key when there is none', async () => {
    await fetchRecord(newApi());
    expect(service.requests[0]?.headers).not.toHaveProperty('authorization');
  });
});

describe('an answer', () => {
  test('is cleaned of control characters and terminal escapes', async () => {
    service.plan(json({ title: '\u001b[31mred\u001b[0m\u0007', lines: ['a\nb\tc\r'] }));
    await expect(fetchRecord(newApi())).resolves.toEqual({ title: 'red', lines: ['a\nb\tc'] });
  });

  test('404 is no such record, at once', async () => {
    service.plan(status(404));
    await expect(fetchRecord(newApi())).rejects.toMatchObject({ code: 'record_not_found' });
    expect(service.requests).toHaveLength(1);
  });

  test.each<[string, Answer]>([
    ['a list', json([1, 2])],
    ['not JSON', (_request, response) => response.end('<html>')],
    ['larger than allowed', json({ text: 'x'.repeat(2000) })],
    ['a redirect', status(302, { location: 'http://169.254.169.254/' })],
    ['a refusal', status(403)],
    ['a server error that a repetition does not mend', status(500)],
  ])('that is %s is not repeated', async (_case, answer) => {
    service.plan(answer);
    await expect(fetchRecord(newApi())).rejects.toMatchObject(UNAVAILABLE);
    expect(service.requests).toHaveLength(1);
  });

  test.each<[string, Answer]>([
    ['429', status(429)],
    ['502', status(502)],
    ['503', status(503)],
    ['504', status(504)],
    ['a connection that ends', (request) => request.socket.destroy()],
    ['an answer that is cut off', cut],
  ])('%s is repeated', async (_case, answer) => {
    service.plan(answer, answer, json({ title: 'At last' }));
    await expect(fetchRecord(newApi())).resolves.toEqual({ title: 'At last' });
    expect(service.requests).toHaveLength(3);
  });
});

describe('repetition', () => {
  test('follows a try that got no answer in time', async () => {
    service.plan(hang, json({ title: 'At last' }));
    const api = newApi({ timeoutSeconds: 0.5 });
    await expect(fetchRecord(api)).resolves.toEqual({ title: 'At last' });
    const text = await metrics.registry.metrics();
    expect(text).toMatch(/mcp_dependency_duration_seconds_count\{[^}]*outcome="timeout"\} 1/);
  });

  test('ends after the configured number of tries', async () => {
    service.plan(status(503));
    await expect(fetchRecord(newApi())).rejects.toMatchObject(UNAVAILABLE);
    expect(service.requests).toHaveLength(3);
  });

  test('waits as long as Retry-After says', async () => {
    service.plan(status(429, { 'retry-after': '1' }), json({}));
    const start = performance.now();
    await fetchRecord(newApi());
    expect(performance.now() - start).toBeGreaterThanOrEqual(990);
  });

  test('does not begin a wait that the call cannot outlast', async () => {
    service.plan(status(429, { 'retry-after': '60' }), json({}));
    await expect(fetchRecord(newApi())).rejects.toMatchObject(UNAVAILABLE);
    expect(service.requests).toHaveLength(1);
  });

  test('stops when the caller gives up', async () => {
    service.plan(hang);
    const controller = new AbortController();
    const call = fetchRecord(newApi({ timeoutSeconds: 30 }), 30, controller.signal);
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
    return /mcp_circuit_breaker_state\{dependency="external_api"\} (\d)/.exec(text)?.[1];
  };
  const pause = (milliseconds: number) =>
    new Promise((resolve) => setTimeout(resolve, milliseconds));

  test('opens after consecutive failures, lets one try through and closes on its success', async () => {
    const api = newApi({ breakerFailures: 2, attempts: 1 });
    service.plan(status(503));
    await expect(fetchRecord(api)).rejects.toMatchObject(UNAVAILABLE);
    expect(api.healthy).toBe(true);
    await expect(fetchRecord(api)).rejects.toMatchObject(UNAVAILABLE);
    expect(api.healthy).toBe(false);
    expect(await breakerState()).toBe('2');

    service.plan(json({ title: 'Back' }));
    await expect(fetchRecord(api)).rejects.toMatchObject(UNAVAILABLE);
    expect(service.requests).toHaveLength(2);

    await pause(1050);
    await expect(fetchRecord(api)).resolves.toEqual({ title: 'Back' });
    expect(api.healthy).toBe(true);
    expect(await breakerState()).toBe('0');
  });

  test('opens again when the one try fails', async () => {
    const api = newApi({ breakerFailures: 1, attempts: 1 });
    service.plan(status(503));
    await expect(fetchRecord(api)).rejects.toMatchObject(UNAVAILABLE);
    await pause(1050);
    await expect(fetchRecord(api)).rejects.toMatchObject(UNAVAILABLE);
    await expect(fetchRecord(api)).rejects.toMatchObject(UNAVAILABLE);
    expect(service.requests).toHaveLength(2);
  });

  test('takes a record that does not exist for a sign of health', async () => {
    const api = newApi({ breakerFailures: 1 });
    service.plan(status(404));
    for (let call = 0; call < 3; call++) {
      await expect(fetchRecord(api)).rejects.toMatchObject({ code: 'record_not_found' });
    }
    expect(api.healthy).toBe(true);
  });
});

test('a service that hangs holds no more than its own places', async () => {
  const api = newApi({ maxConcurrency: 2 });
  service.plan(hang);
  const controller = new AbortController();
  const held = [1, 2].map(() => fetchRecord(api, 10, controller.signal));
  await expect(fetchRecord(api)).rejects.toMatchObject(UNAVAILABLE);
  expect(service.requests.length).toBeLessThanOrEqual(2);

  controller.abort(new Error('gave up'));
  for (const call of held) await expect(call).rejects.toThrow('gave up');
  service.plan(json({}));
  await expect(fetchRecord(api)).resolves.toEqual({});
  const text = await metrics.registry.metrics();
  expect(text).toMatch(/mcp_dependency_duration_seconds_count\{[^}]*outcome="rejected"\} 1/);
});
