package observe

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// exporterGrace is how long the exporter may hold up the exit.
const exporterGrace = time.Second

// propagator reads and passes on the W3C trace context; no baggage, which is the caller's own business.
var propagator = propagation.TraceContext{}

// Tracer makes spans. Without an exporter they are not recorded, but the caller's trace context is passed on.
type Tracer struct {
	trace.Tracer
	stop func(context.Context) error
}

// NewTracer exports spans when OTEL_EXPORTER_OTLP_ENDPOINT is set; the exporter reads OpenTelemetry's own variables.
func NewTracer(ctx context.Context, export bool, name, version string) (*Tracer, error) {
	if !export {
		return &Tracer{noop.NewTracerProvider().Tracer(name), func(context.Context) error { return nil }}, nil
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, err
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(
		resource.NewSchemaless(attribute.String("service.name", name), attribute.String("service.version", version))))
	return &Tracer{provider.Tracer(name), provider.Shutdown}, nil
}

// Close sends what is left, for a second at most.
func (t *Tracer) Close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), exporterGrace)
	defer cancel()
	_ = t.stop(ctx) // spans that the collector did not take in time are lost
}

// StartServer begins the span of a call; its parent is in the request's `_meta`, else in the headers.
func (t *Tracer) StartServer(
	ctx context.Context, name string, meta map[string]any, header http.Header, attributes ...attribute.KeyValue,
) (context.Context, trace.Span) {
	parent := carrier{meta, propagation.HeaderCarrier(header)}
	return t.Start(propagator.Extract(ctx, parent), name,
		trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attributes...))
}

// StartClient begins the span of an outgoing try, and writes the trace context into its headers.
func (t *Tracer) StartClient(
	ctx context.Context, name string, header http.Header, attributes ...attribute.KeyValue,
) (context.Context, trace.Span) {
	ctx, span := t.Start(ctx, name, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes...))
	propagator.Inject(ctx, propagation.HeaderCarrier(header))
	return ctx, span
}

// Failed marks a span with an error code.
func Failed(span trace.Span, code string) {
	span.SetAttributes(attribute.String("error.type", code))
	span.SetStatus(codes.Error, "")
}

type carrier struct {
	meta   map[string]any
	header propagation.HeaderCarrier
}

func (c carrier) Get(key string) string {
	if _, ok := c.meta["traceparent"].(string); ok {
		value, _ := c.meta[key].(string)
		return value
	}
	return c.header.Get(key)
}

func (c carrier) Set(string, string) {}

func (c carrier) Keys() []string {
	return append(slices.Collect(maps.Keys(c.meta)), c.header.Keys()...)
}
