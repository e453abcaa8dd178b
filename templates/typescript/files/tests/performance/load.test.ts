// Drives the http server of tests/fixtures, tokens checked, against yardsticks of the same run, and holds
// the figures to docs/outcomes.md. PERF_SECONDS and PERF_CLIENTS size the load; PERF_P50_VS_LIVE=10 and the
// like override a limit; PROFILE=1 writes build/profile/*.cpuprofile.
import { readFileSync } from 'node:fs';
import { Agent, request, type RequestOptions } from 'node:http';

import { expect, test } from 'vitest';

import { FIXTURE, startServer } from '../support/process.js';
import { httpRequest, toolCall } from '../support/rpc.js';
import { createIssuer } from '../support/tokens.js';

const SECONDS = Number(process.env['PERF_SECONDS'] ?? 9);
const CLIENTS = Number(process.env['PERF_CLIENTS'] ?? 8);
const ROUNDS = 3;
const WARM_UP_SECONDS = 1;

const ECHO = toolCall('echo', { text: 'word '.repeat(20) });
const LIST = { method: 'tools/list', params: {} };
const WRITE = toolCall('write');
const MIX = [ECHO, ECHO, LIST, ECHO, ECHO, WRITE, ECHO, LIST, ECHO, ECHO];

/** One kind of load: what is sent in turn, and how an answer shows that it worked. */
interface Load {
  name: 'mix' | 'live' | 'quickstart';
  requests: { options: RequestOptions; body?: string }[];
  worked: (text: string) => boolean;
}

interface Measured {
  durations: number[];
  errors: number;
  seconds: number;
}

/** The table of docs/outcomes.md; PERF_NAME=VALUE overrides one row. */
function limits() {
  const row = /^\| `([a-z0-9_]+)` \| (at most|at least) \| ([0-9.]+) \|/gm;
  return [...readFileSync('docs/outcomes.md', 'utf8').matchAll(row)].map(
    ([, name = '', direction, value]) => ({
      name,
      direction,
      limit: Number(process.env[`PERF_${name.toUpperCase()}`] ?? value),
    }),
  );
}

function percentile(sorted: number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });

/** Resolves with whether the answer is what it should be. */
function send({ options, body }: Load['requests'][number], worked: Load['worked']) {
  return new Promise<boolean>((resolve) => {
    const sent = request({ ...options, agent }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => {
        resolve(response.statusCode === 200 && worked(text));
      });
    });
    sent.on('error', () => {
      resolve(false);
    });
    sent.end(body);
  });
}

async function drive({ requests, worked }: Load, seconds: number): Promise<Measured> {
  const durations: number[] = [];
  let errors = 0;
  const end = performance.now() + seconds * 1000;
  const client = async (offset: number) => {
    for (let turn = offset; performance.now() < end; turn++) {
      const start = performance.now();
      const next = requests[turn % requests.length];
      if (next === undefined || !(await send(next, worked))) errors += 1;
      durations.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, index) => client(index)));
  return { durations, errors, seconds };
}

function together(parts: Measured[]) {
  const durations = parts.flatMap((part) => part.durations).sort((a, b) => a - b);
  const seconds = parts.reduce((sum, part) => sum + part.seconds, 0);
  const errors = parts.reduce((sum, part) => sum + part.errors, 0);
  return { durations, errors, perSecond: durations.length / seconds };
}

function target(url: string, path: string, method: string, headers = {}): RequestOptions {
  const { hostname, port } = new URL(url);
  return { hostname, port, path, method, headers };
}

test(
  'the server keeps its promises under load',
  async () => {
    const issuer = await createIssuer();
    const profile = process.env['PROFILE'] === '1';
    const server = await startServer(
      { ...issuer.settings, MCP_ENABLE_WRITES: 'true', MCP_RATE_LIMIT_PER_MINUTE: '0' },
      [...(profile ? ['--cpu-prof', '--cpu-prof-dir=build/profile'] : []), ...FIXTURE],
    );
    const quickstart = await startServer({}, [
      '--import',
      'tsx',
      'tests/performance/quickstart.ts',
    ]);
    const authorization = `Bearer ${await issuer.token()}`;
    const isResult = (text: string) =>
      text.includes('"result":') && !text.includes('"isError":true');
    const call = (url: string, message: typeof LIST) => {
      const { headers, body } = httpRequest(message);
      return { options: target(url, '/mcp', 'POST', { ...headers, authorization }), body };
    };
    const loads: Load[] = [
      { name: 'mix', requests: MIX.map((it) => call(server.url, it)), worked: isResult },
      {
        name: 'live',
        requests: [{ options: target(server.url, '/live', 'GET') }],
        worked: Boolean,
      },
      { name: 'quickstart', requests: [call(quickstart.url, ECHO)], worked: isResult },
    ];

    let peakMemory = 0;
    const sampler = setInterval(() => {
      void fetch(`${server.url}/metrics`).then(async (response) => {
        const bytes = /^process_resident_memory_bytes (\S+)/m.exec(await response.text())?.[1];
        peakMemory = Math.max(peakMemory, Number(bytes));
      });
    }, 250);
    const parts: Record<Load['name'], Measured[]> = { mix: [], live: [], quickstart: [] };
    for (const load of loads) await drive(load, WARM_UP_SECONDS);
    for (let round = 0; round < ROUNDS; round += 1) {
      for (const load of loads) parts[load.name].push(await drive(load, SECONDS / ROUNDS / 3));
    }
    clearInterval(sampler);
    agent.destroy();
    await quickstart.stop();
    const code = await server.stop();

    const [mix, live, bare] = [
      together(parts.mix),
      together(parts.live),
      together(parts.quickstart),
    ];
    const p50 = percentile(mix.durations, 0.5);
    const measured: Record<string, number> = {
      calls_vs_quickstart: mix.perSecond / bare.perSecond,
      p50_vs_live: p50 / percentile(live.durations, 0.5),
      error_rate: (mix.errors + live.errors + bare.errors) / mix.durations.length,
      peak_memory_mib: peakMemory / 1024 ** 2,
      p50_ms: p50,
      p95_ms: percentile(mix.durations, 0.95),
      p99_ms: percentile(mix.durations, 0.99),
      throughput_rps: mix.perSecond,
    };
    const rows = limits().map(({ name, direction, limit }) => {
      const value = measured[name] ?? Number.NaN;
      const kept = direction === 'at most' ? value <= limit : value >= limit;
      return { name, direction, limit, kept };
    });
    const lines = Object.entries(measured).map(([name, value]) => {
      const row = rows.find((candidate) => candidate.name === name);
      const limit = row
        ? `  ${String(row.direction)} ${row.limit}${row.kept ? '' : '  MISSED'}`
        : '';
      return `${name.padEnd(20)} ${value.toFixed(3).padStart(10)}${limit}`;
    });
    console.log(
      [
        `${mix.durations.length} calls from ${CLIENTS} clients over http with JWT:`,
        '70 % a tool that reads, 20 % tools/list, 10 % a tool that writes;',
        `beside them ${live.durations.length} GET /live, and ${bare.durations.length} calls of the SDK's quick start`,
        ...lines,
        ...(profile ? ['profile: build/profile/*.cpuprofile'] : []),
      ].join('\n'),
    );
    expect(rows).not.toEqual([]);
    expect(rows.filter(({ kept }) => !kept).map(({ name }) => name)).toEqual([]);
    expect(code).toBe(0);
  },
  (SECONDS + 60) * 1000,
);
