// The endpoints beside the protocol, and the life of the server.
import { setTimeout as sleep } from 'node:timers/promises';

import { describe, expect, test } from 'vitest';

import { VERSION } from '../../src/chassis/package.js';
import { newUpstream, serve } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { content, envelope, LEGACY, MODERN, post, toolCall } from '../support/rpc.js';
import { json } from '../support/upstream.js';

const ECHO = toolCall('echo', { text: 'words' });

async function get(url: string) {
  const response = await fetch(url);
  const body = (await response.json()) as Record<string, unknown>;
  return { status: response.status, body };
}

describe('endpoints', () => {
  test('live, ready and health answer', async () => {
    const { url } = await serve();
    expect(await get(`${url}/live`)).toEqual({ status: 200, body: { status: 'alive' } });
    await eventually(async () => {
      expect(await get(`${url}/ready`)).toEqual({ status: 200, body: { status: 'ready' } });
    });
    expect(await get(`${url}/health`)).toEqual({
      status: 200,
      body: {
        status: 'healthy',
        version: VERSION,
        checks: { server: 'healthy', state: 'healthy', upstream: 'disabled' },
      },
    });
  });

  test('health tells of an open circuit breaker without calling the service', async () => {
    const upstream = await newUpstream(json({}, 503));
    const { url } = await serve({
      MCP_UPSTREAM_URL: upstream.url,
      MCP_BREAKER_FAILURES: '1',
      MCP_RETRY_ATTEMPTS: '1',
    });
    const reply = await post(url, toolCall('fetch_item', { id: 'i' }));
    expect(envelope(reply)).toMatchObject({ code: 'dependency_unavailable' });
    const { body } = await get(`${url}/health`);
    expect(body).toMatchObject({ status: 'degraded', checks: { upstream: 'degraded' } });
    expect(upstream.requests).toHaveLength(1);
  });

  test('metrics are in the Prometheus format', async () => {
    const { url } = await serve({ MCP_ENABLE_WRITES: 'true' });
    for (const message of [
      ECHO,
      toolCall('echo', { text: '' }),
      toolCall('write', { conflict: true }),
      toolCall('no_such_tool'),
      { method: 'prompts/get', params: { name: 'greet', arguments: { name: 'a' } } },
    ]) {
      await post(url, message);
    }
    const response = await fetch(`${url}/metrics`);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain/);
    const text = await response.text();
    for (const line of [
      'mcp_tool_calls_total{tool="echo",outcome="success"} 1',
      'mcp_tool_calls_total{tool="echo",outcome="client_error"} 1',
      'mcp_tool_calls_total{tool="write",outcome="business_error"} 1',
      'mcp_tool_calls_total{tool="unknown",outcome="client_error"} 1',
      'mcp_tool_duration_seconds_bucket{le="0.005",tool="echo"}',
      'mcp_tool_calls_in_flight 0',
      'mcp_tool_calls_queued 0',
      'mcp_deprecated_contract_uses_total{contract="greet"} 1',
      `mcp_build_info{version="${VERSION}",protocol="${MODERN}"} 1`,
      'mcp_open_connections ',
      'process_cpu_seconds_total ',
      'process_resident_memory_bytes ',
    ]) {
      expect(text).toContain(line);
    }
    expect(text).not.toContain('no_such_tool');
  });

  test('others do not exist, and neither do other methods', async () => {
    const { url } = await serve();
    expect(await get(`${url}/admin`)).toEqual({ status: 404, body: { error: 'not found' } });
    expect((await fetch(`${url}/.well-known/oauth-protected-resource/mcp`)).status).toBe(404);
    expect((await fetch(`${url}/live`, { method: 'POST' })).status).toBe(405);
    for (const path of ['/mcp', '/mcp/']) {
      for (const method of ['GET', 'DELETE', 'PUT']) {
        const response = await fetch(url + path, { method });
        expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST, OPTIONS']);
      }
    }
    const reply = await post(url, ECHO, { path: '/mcp/' });
    expect(content(reply)).toEqual({ text: 'words' });
  });
});

describe.each([MODERN, LEGACY] as const)('a shutdown, %s', (era) => {
  test('lets calls finish, serves for the delay, then refuses', async () => {
    const server = await serve({
      MCP_SHUTDOWN_DELAY_SECONDS: '0.5',
      MCP_SHUTDOWN_GRACE_SECONDS: '10',
    });
    const waiting = post(server.url, toolCall('wait', { seconds: 1.5 }), { era });
    await eventually(async () => {
      expect(await server.metrics()).toContain('mcp_tool_calls_in_flight 1');
    });
    const headers = { 'x-request-id': 'somebody-else' };
    const ended = post(server.url, ECHO, { era, headers }).then(() => server.stop());
    await server.logged('server.stopping');
    expect(await get(`${server.url}/ready`)).toEqual({ status: 503, body: { status: 'stopping' } });
    const kept = await post(server.url, ECHO, { era });
    expect(kept.status).toBe(200);
    await sleep(600);
    expect(content(await waiting)).toEqual({ waited: true });
    await ended;
    await expect(fetch(`${server.url}/live`)).rejects.toThrow();
    expect(server.logs.at(-1)).toMatchObject({ event: 'server.stopped', correlation_id: null });
    expect(await server.logged('server.stopping')).toMatchObject({ correlation_id: null });
  });
});
