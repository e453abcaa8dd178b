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
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, NodeTracerProvider } from '@opentelemetry/sdk-trace-node';

import { NAME, VERSION } from './package.js';

const TRACER = trace.getTracer(NAME, VERSION);

export type Carrier = Readonly<Record<string, unknown>>;

/** Starts tracing for the process; the result flushes and stops it. */
export async function startTracing(
  serviceName: string,
  endpoint: string | undefined,
): Promise<() => Promise<void>> {
  const spanProcessors = [];
  if (endpoint !== undefined) {
    const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
    spanProcessors.push(new BatchSpanProcessor(new OTLPTraceExporter()));
  }
  const resource = resourceFromAttributes({
    'service.name': serviceName,
    'service.version': VERSION,
  });
  const provider = new NodeTracerProvider({ resource, spanProcessors });
  provider.register();
  return () => provider.shutdown();
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
