// Traces as a collector receives them: the caller's trace goes on through tool and outgoing request.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

import { startTracing } from '../../src/chassis/observability/tracing.js';
import { serve, type TestServer } from '../support/app.js';
import { startUpstream, type Upstream } from '../support/upstream.js';
import { LEGACY, MODERN, post, toolCall } from '../support/rpc.js';

const SPAN_ID = 'b7ad6b7169203331';

interface Span {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  status: { code?: number };
  attributes: { key: string; value: { stringValue?: string } }[];
}
interface Export {
  resourceSpans: { scopeSpans: { spans: Span[] }[] }[];
}

const bodies: string[] = [];
const collector = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
  request.on('end', () => {
    bodies.push(body);
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
});

let upstream: Upstream;
let server: TestServer;
let spans: Span[];

beforeAll(async () => {
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  const { port } = collector.address() as AddressInfo;
  const endpoint = `http://127.0.0.1:${port}`;
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', endpoint);
  const stopTracing = await startTracing('traced', endpoint);
  upstream = await startUpstream();
  server = await serve({ MCP_UPSTREAM_URL: upstream.url });

  const header = (trace: string) => `00-${trace.repeat(32)}-${SPAN_ID}-01`;
  const lookup = toolCall('fetch_item', { id: 'canary-item' });
  await post(server.url, lookup, { era: LEGACY, headers: { traceparent: header('1') } });
  await post(server.url, lookup, { era: MODERN, meta: { traceparent: header('2') } });
  await post(server.url, toolCall('echo', { text: '' }), {
    headers: { traceparent: header('3') },
  });
  await server.stop();
  await stopTracing();
  const exported = bodies.map((body) => JSON.parse(body) as Export);
  spans = exported.flatMap(({ resourceSpans }) =>
    resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)),
  );
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await upstream.close();
  collector.close();
});

describe.each([
  ['headers', '1'],
  ['_meta', '2'],
])('with its context in %s', (_place, trace) => {
  test('a call is a span of the caller’s trace, its outgoing try a child', () => {
    const [tool, request] = ['tools/call fetch_item', 'GET'].map((name) =>
      spans.find((span) => span.traceId === trace.repeat(32) && span.name.startsWith(name)),
    );
    expect(tool?.parentSpanId).toBe(SPAN_ID);
    expect(request?.parentSpanId).toBe(tool?.spanId);
    const sent = upstream.requests.map(({ headers }) => String(headers['traceparent']));
    expect(sent.some((value) => value.includes(trace.repeat(32)))).toBe(true);
  });
});

test('a failed call is marked with its error code, and no span holds a value', () => {
  const failed = spans.find((span) => span.traceId === '3'.repeat(32));
  expect(failed?.status.code).toBe(2);
  const attributes = failed?.attributes.map(({ key, value }) => [key, value.stringValue]);
  expect(attributes).toContainEqual(['error.type', 'invalid_argument']);
  expect(bodies.join()).not.toContain('canary');
});

test('a collector that is away holds nothing up, and nothing goes wrong', async () => {
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', 'http://127.0.0.1:9');
  const stopTracing = await startTracing('traced', 'http://127.0.0.1:9');
  const start = performance.now();
  await stopTracing();
  expect(performance.now() - start).toBeLessThan(5000);
});
