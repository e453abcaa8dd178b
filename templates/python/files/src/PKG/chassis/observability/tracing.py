"""OpenTelemetry traces: exported when an endpoint is configured, cheap no-ops otherwise."""

from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from threading import Thread

from opentelemetry import context, propagate, trace
from opentelemetry.trace import SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from .. import VERSION

_LAST_EXPORT_SECONDS = 1.0

# The trace context alone goes on: the caller's baggage is no business of another service.
propagate.set_global_textmap(TraceContextTextMapPropagator())
_tracer = trace.get_tracer(__name__, VERSION)


def configure_tracing(endpoint: str | None, server_name: str) -> None:
    """Export spans over OTLP/HTTP when there is an endpoint.

    The SDK opens the span of each tool call and takes its parent from `_meta`; the exporter reads
    its endpoint and options from the OTEL_* variables itself.
    """
    if endpoint is None:
        return
    # Imported on demand: the exporter costs more start-up time than the rest of the server.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    resource = Resource.create({SERVICE_NAME: server_name, SERVICE_VERSION: VERSION})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def shutdown_tracing() -> None:
    """Send what has been collected; blocks for a second at most, whatever the collector does."""
    shutdown = getattr(trace.get_tracer_provider(), "shutdown", None)
    if shutdown is not None:
        sending = Thread(target=shutdown, daemon=True)
        sending.start()
        sending.join(_LAST_EXPORT_SECONDS)


@contextmanager
def remote_parent(headers: Mapping[str, str]) -> Iterator[None]:
    """Make spans opened inside children of the W3C trace context in `headers`, if there is one."""
    if "traceparent" not in headers:
        yield
        return
    token = context.attach(propagate.extract(headers))
    try:
        yield
    finally:
        context.detach(token)


@contextmanager
def outgoing_span(name: str, headers: MutableMapping[str, str]) -> Iterator[None]:
    """Open the span of one try of an outgoing request and put its context into `headers`."""
    with _tracer.start_as_current_span(
        name, kind=SpanKind.CLIENT, record_exception=False, set_status_on_exception=False
    ) as span:
        propagate.inject(headers)
        try:
            yield
        except Exception as error:
            span.set_attribute("error.type", type(error).__qualname__)
            span.set_status(StatusCode.ERROR)
            raise
