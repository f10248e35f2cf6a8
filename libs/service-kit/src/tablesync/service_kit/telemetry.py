"""Logs as JSON with trace ids, traces by OpenTelemetry, metrics for Prometheus."""

import logging
import sys
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager

import stamina.instrumentation
import structlog
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider, sampling
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from structlog.typing import Processor
from tablesync.service_kit import redaction
from tablesync.service_kit.repeats import WithoutRepeats

tracer = trace.get_tracer("tablesync")
CHATTY = ("aiokafka", "httpx", "pymongo", "faststream", "uvicorn", "asyncio")


def configure(service: str, log_level: str, otlp_endpoint: str | None = None) -> None:
    """Set up logging and tracing for this process; call once, from `__main__`."""
    _configure_logs(log_level)
    # It would tell of every single try, where `Trouble` tells when one begins and ends, and count
    # each in a metric of its own.
    stamina.instrumentation.set_on_retry_hooks([])
    structlog.contextvars.bind_contextvars(service=service)
    # Where spans go nowhere they are not recorded; their ids stand in logs and events all the same.
    sampler = None if otlp_endpoint else sampling.ALWAYS_OFF
    provider = TracerProvider(sampler, Resource.create({"service.name": service}))
    if otlp_endpoint:
        # Imported here: the exporter costs start-up time that most processes never use.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )

        exporter = OTLPSpanExporter(endpoint=f"{otlp_endpoint.rstrip('/')}/v1/traces")
        provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)


def _configure_logs(log_level: str) -> None:
    """Send our own logs and those of every library through the same processors."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace,
        structlog.processors.format_exc_info,
        redaction.redact,
    ]
    level = logging.getLevelName(log_level)
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    handler.addFilter(WithoutRepeats("aiokafka"))
    logging.basicConfig(handlers=[handler], level=level, force=True)
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    for chatty in CHATTY:
        logging.getLogger(chatty).setLevel(max(level, logging.WARNING))


def current_traceparent() -> str | None:
    """Return the W3C trace context of the current span, if there is one."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get("traceparent")


@contextmanager
def span_from(
    traceparent: str | None, name: str, kind: SpanKind = SpanKind.INTERNAL, **attributes: str
) -> Iterator[Span]:
    """Open a span that continues the trace of whoever sent `traceparent`."""
    parent = propagate.extract({"traceparent": traceparent} if traceparent else {})
    with span(name, kind, attributes, context=parent) as opened:
        yield opened


@contextmanager
def span(
    name: str,
    kind: SpanKind,
    attributes: Mapping[str, str],
    context: Context | None = None,
) -> Iterator[Span]:
    """Open a span; of an error it keeps the type alone, since a message may hold a secret."""
    with trace.use_span(
        tracer.start_span(name, context, kind, attributes),
        end_on_exit=True,
        record_exception=False,
        set_status_on_exception=False,
    ) as opened:
        try:
            yield opened
        except Exception as error:
            opened.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise


def _is_news(record: logging.LogRecord) -> bool:
    """Pass over an app's errors: they are logged already (`problems`), without what they say."""
    return not record.getMessage().startswith("Exception in ASGI application")


def _add_trace(
    _: object, __: str, event: MutableMapping[str, object]
) -> MutableMapping[str, object]:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = f"{context.trace_id:032x}"
    return event
