/** OpenTelemetry traces: always propagated, exported when an endpoint is set. */
import {
  type Attributes,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';

import { NAME, VERSION } from '../package.js';
import { within } from '../time.js';

const TRACER = trace.getTracer(NAME, VERSION);
const FLUSH_MILLISECONDS = 1000;

export type Carrier = Readonly<Record<string, unknown>>;

/**
 * The caller's trace always goes on; spans are made and exported when an endpoint is set.
 * The result flushes what it can within a second: a collector that is away must not hold up the exit.
 */
export async function startTracing(
  serviceName: string,
  endpoint: string | undefined,
): Promise<() => Promise<void>> {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  // Trace context alone: baggage may hold anything about the caller.
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  if (endpoint === undefined) return () => Promise.resolve();
  const { createProvider } = await import('./exporter.js');
  const provider = createProvider(serviceName);
  trace.setGlobalTracerProvider(provider);
  return async () => {
    await within(
      FLUSH_MILLISECONDS,
      provider.shutdown().catch(() => undefined),
    );
  };
}

/** Runs `body` in a span whose parent is in `carrier`: W3C trace context from headers or `_meta`. */
export function serverSpan<T>(
  name: string,
  attributes: Attributes,
  carrier: Carrier,
  body: (span: Span) => Promise<T>,
): Promise<T> {
  const parent = propagation.extract(ROOT_CONTEXT, carrier);
  return inSpan(TRACER.startSpan(name, { kind: SpanKind.SERVER, attributes }, parent), body);
}

export function clientSpan<T>(
  name: string,
  attributes: Attributes,
  body: (span: Span) => Promise<T>,
): Promise<T> {
  return inSpan(TRACER.startSpan(name, { kind: SpanKind.CLIENT, attributes }), body);
}

/** Headers that tell the receiver of an outgoing request which span it belongs to. */
export function traceHeaders(): Record<string, string> {
  const headers: Record<string, string> = {};
  propagation.inject(context.active(), headers);
  return headers;
}

export function markFailed(span: Span, code: string): void {
  span.setAttribute('error.type', code);
  span.setStatus({ code: SpanStatusCode.ERROR });
}

async function inSpan<T>(span: Span, body: (span: Span) => Promise<T>): Promise<T> {
  try {
    return await context.with(trace.setSpan(context.active(), span), () => body(span));
  } finally {
    span.end();
  }
}
