"""OpenTelemetry traces: exported when an endpoint is configured, cheap no-ops otherwise."""

from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager

from opentelemetry import context, propagate, trace
from opentelemetry.trace import SpanKind, StatusCode

from . import __version__
from .settings import Settings

_tracer = trace.get_tracer(__name__, __version__)


def configure_tracing(settings: Settings) -> None:
    """Export spans over OTLP/HTTP when `OTEL_EXPORTER_OTLP_ENDPOINT` is set.

    The SDK opens the span of each tool call and takes its parent from `_meta`; the exporter reads
    its endpoint and options from the OTEL_* variables itself.
    """
    if settings.otlp_endpoint is None:
        return
    # Imported on demand: the exporter costs more start-up time than the rest of the server.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    resource = Resource.create({SERVICE_NAME: settings.server_name, SERVICE_VERSION: __version__})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def shutdown_tracing() -> None:
    """Send what has been collected; blocks for at most a few seconds."""
    shutdown = getattr(trace.get_tracer_provider(), "shutdown", None)
    if shutdown is not None:
        shutdown()


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
