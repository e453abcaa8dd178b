// Drives the real server over HTTP, tokens checked, and holds the figures to docs/outcomes.md.
// PERF_SECONDS and PERF_CLIENTS size the load; PERF_P95_MS=500 and the like override a limit;
// PROFILE=1 writes build/profile/*.cpuprofile.
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';

import { expect, test } from 'vitest';

import { startServer } from '../support/process.js';
import { httpRequest, toolCall } from '../support/rpc.js';
import { createIssuer } from '../support/tokens.js';

const SECONDS = Number(process.env['PERF_SECONDS'] ?? 10);
const CLIENTS = Number(process.env['PERF_CLIENTS'] ?? 8);
const WARM_UP_SECONDS = 2;

const TEXT = toolCall('process_text', { text: 'word '.repeat(40) });
const START = toolCall('start_operation', { steps: 1, step_milliseconds: 0 });
const LIST = { method: 'tools/list', params: {} };
const MIX = [TEXT, TEXT, LIST, TEXT, TEXT, START, TEXT, LIST, TEXT, TEXT];

interface Limit {
  name: string;
  direction: 'at most' | 'at least';
  limit: number;
}

/** The table of docs/outcomes.md; PERF_NAME=VALUE overrides one row. */
function limits(): Limit[] {
  const row = /^\| `([a-z0-9_]+)` \| (at most|at least) \| ([0-9.]+) \|/gm;
  return [...readFileSync('docs/outcomes.md', 'utf8').matchAll(row)].map(
    ([, name = '', direction, value]) => ({
      name,
      direction: direction as Limit['direction'],
      limit: Number(process.env[`PERF_${name.toUpperCase()}`] ?? value),
    }),
  );
}

function percentile(sorted: number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

test(
  'the server keeps its promises under load',
  async () => {
    const issuer = await createIssuer();
    const profile = process.env['PROFILE'] === '1';
    const server = await startServer(
      {
        ...issuer.settings,
        MCP_ENABLE_WRITES: 'true',
        MCP_MAX_OPERATIONS: '1000000',
        MCP_RATE_LIMIT_PER_MINUTE: '0',
      },
      profile ? ['--cpu-prof', '--cpu-prof-dir=build/profile'] : [],
    );
    const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
    const authorization = `Bearer ${await issuer.token()}`;
    const requests = MIX.map((message) => httpRequest(message));

    /** Resolves with whether the call succeeded. */
    function call({ headers, body }: (typeof requests)[number]): Promise<boolean> {
      return new Promise((resolve) => {
        const sent = request(
          `${server.url}/mcp`,
          { method: 'POST', agent, headers: { ...headers, authorization } },
          (response) => {
            let text = '';
            response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
            response.on('end', () => {
              resolve(
                response.statusCode === 200 &&
                  text.includes('"result":') &&
                  !text.includes('"isError":true'),
              );
            });
          },
        );
        sent.on('error', () => {
          resolve(false);
        });
        sent.end(body);
      });
    }

    async function drive(seconds: number) {
      const durations: number[] = [];
      let errors = 0;
      const end = performance.now() + seconds * 1000;
      const client = async (offset: number) => {
        for (let turn = offset; performance.now() < end; turn++) {
          const start = performance.now();
          const next = requests[turn % requests.length];
          if (next === undefined || !(await call(next))) errors += 1;
          durations.push(performance.now() - start);
        }
      };
      await Promise.all(Array.from({ length: CLIENTS }, (_, index) => client(index)));
      return { durations: durations.sort((a, b) => a - b), errors };
    }

    let peakMemory = 0;
    const sample = async () => {
      const text = await (await fetch(`${server.url}/metrics`)).text();
      const bytes = /^process_resident_memory_bytes (\S+)/m.exec(text)?.[1];
      peakMemory = Math.max(peakMemory, Number(bytes));
    };
    const sampler = setInterval(() => void sample(), 250);

    await drive(WARM_UP_SECONDS);
    const { durations, errors } = await drive(SECONDS);
    clearInterval(sampler);
    await sample();
    agent.destroy();
    const code = await server.stop();

    const measured: Record<string, number> = {
      p50_ms: percentile(durations, 0.5),
      p95_ms: percentile(durations, 0.95),
      p99_ms: percentile(durations, 0.99),
      throughput_rps: durations.length / SECONDS,
      error_rate: errors / durations.length,
      peak_memory_mib: peakMemory / 1024 ** 2,
    };
    const rows = limits().map(({ name, direction, limit }) => {
      const value = measured[name] ?? Number.NaN;
      const kept = direction === 'at most' ? value <= limit : value >= limit;
      return { name, value, direction, limit, kept };
    });
    console.log(
      [
        `${durations.length} calls in ${SECONDS} s from ${CLIENTS} clients over http with JWT:`,
        '70 % process_text, 20 % tools/list, 10 % start_operation',
        ...rows.map(
          ({ name, value, direction, limit, kept }) =>
            `${name.padEnd(16)} ${value.toFixed(3).padStart(10)}  ${direction} ${limit}${kept ? '' : '  MISSED'}`,
        ),
        ...(profile ? ['profile: build/profile/*.cpuprofile'] : []),
      ].join('\n'),
    );
    expect(rows.map(({ name }) => name).sort()).toEqual(Object.keys(measured).sort());
    expect(rows.filter(({ kept }) => !kept).map(({ name }) => name)).toEqual([]);
    expect(code).toBe(0);
  },
  (WARM_UP_SECONDS + SECONDS + 30) * 1000,
);
