/** Prometheus metrics; labels hold names and codes only, never anything about a person. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

import type { ErrorCategory } from '../errors.js';
import { VERSION } from '../package.js';

export type Outcome = 'success' | ErrorCategory;
export type DependencyOutcome = 'success' | 'error' | 'timeout' | 'rejected';

export const PROTOCOL = '2026-07-28';

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export type Metrics = ReturnType<typeof createMetrics>;

export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });

  const toolCalls = new Counter({
    name: 'mcp_tool_calls_total',
    help: 'Tool calls by outcome.',
    labelNames: ['tool', 'outcome'],
    registers,
  });
  const toolDuration = new Histogram({
    name: 'mcp_tool_duration_seconds',
    help: 'Duration of tool calls.',
    labelNames: ['tool'],
    buckets: SECONDS,
    registers,
  });
  const inFlight = new Gauge({
    name: 'mcp_tool_calls_in_flight',
    help: 'Tool calls that are running.',
    registers,
  });
  const queued = new Gauge({
    name: 'mcp_tool_calls_queued',
    help: 'Tool calls that wait for a place.',
    registers,
  });
  const rejected = new Counter({
    name: 'mcp_rejected_requests_total',
    help: 'Requests that were refused, by error code.',
    labelNames: ['reason'],
    registers,
  });
  const dependencyDuration = new Histogram({
    name: 'mcp_dependency_duration_seconds',
    help: 'Duration of each try to reach a dependency.',
    labelNames: ['dependency', 'outcome'],
    buckets: SECONDS,
    registers,
  });
  const breakerState = new Gauge({
    name: 'mcp_circuit_breaker_state',
    help: 'Circuit breaker: 0 closed, 1 half-open, 2 open.',
    labelNames: ['dependency'],
    registers,
  });
  const deprecatedUses = new Counter({
    name: 'mcp_deprecated_contract_uses_total',
    help: 'Uses of deprecated contracts.',
    labelNames: ['contract'],
    registers,
  });
  const openConnections = new Gauge({
    name: 'mcp_open_connections',
    help: 'Open connections of the http transport.',
    registers,
  });
  new Gauge({
    name: 'mcp_build_info',
    help: 'Version of the server and newest protocol it speaks.',
    labelNames: ['version', 'protocol'],
    registers,
  }).set({ version: VERSION, protocol: PROTOCOL }, 1);

  return {
    registry,
    inFlight,
    queued,
    openConnections,
    toolCalled(tool: string, outcome: Outcome, seconds?: number): void {
      toolCalls.inc({ tool, outcome });
      if (seconds !== undefined) toolDuration.observe({ tool }, seconds);
    },
    rejected(reason: string): void {
      rejected.inc({ reason });
    },
    dependencyTried(dependency: string, outcome: DependencyOutcome, seconds: number): void {
      dependencyDuration.observe({ dependency, outcome }, seconds);
    },
    breakerChanged(dependency: string, state: 0 | 1 | 2): void {
      breakerState.set({ dependency }, state);
    },
    deprecatedUsed(contract: string): void {
      deprecatedUses.inc({ contract });
    },
  };
}
