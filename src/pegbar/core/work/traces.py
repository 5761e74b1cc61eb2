"""Traces by OpenTelemetry: a span for each request, named by its route, with one for each statement inside.

Off unless PEGBAR_TRACES says otherwise; an extra (`pegbar[otel]`). Where spans go is said by OpenTelemetry's own
variables (OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_TRACES_SAMPLER…). No span holds an address's query, a parameter of a
statement, a header or a name.
"""

import asyncio
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from litestar import Request
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from pegbar import __version__
from pegbar.config import settings
from pegbar.core.http.routing import Answering, Operation

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider


def missing() -> str:
    """What traces lack on this machine, and how to get it; nothing when it is there or they are off."""
    modules = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http", "opentelemetry.instrumentation.asyncpg")
    if not settings().traces or all(_is_there(module) for module in modules):
        return ""
    return "PEGBAR_TRACES needs the extra otel: pip install 'pegbar[otel]'"


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # a package above it
        return False


@cache
def _provider() -> "TracerProvider":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": "pegbar", "service.version": __version__}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    instrumentor = AsyncPGInstrumentor(capture_parameters=False)  # type: ignore[no-untyped-call]
    instrumentor.instrument(tracer_provider=provider)
    return provider


async def stop() -> None:
    """Send what was not sent yet."""
    if settings().traces:
        await asyncio.to_thread(_provider().shutdown)


def traced(operation: Operation, endpoint: Answering) -> Answering:
    """The endpoint, with a span for each of its requests when traces are on."""
    if not settings().traces:
        return endpoint
    from opentelemetry import propagate, trace

    tracer = _provider().get_tracer("pegbar", __version__)
    attributes = {"http.request.method": operation.method, "http.route": operation.path}

    async def answer(request: Request[Any, Any, Any]) -> ASGIApp:
        # Whoever calls may be traced too: `traceparent` says of which trace this is a part.
        span = tracer.start_span(
            f"{operation.method} {operation.path}",
            context=propagate.extract(dict(request.headers)),
            kind=trace.SpanKind.SERVER,
            attributes=attributes,
        )
        try:
            with trace.use_span(span, record_exception=False, set_status_on_exception=False):
                inner = await endpoint(request)
        except BaseException:
            span.end()
            raise

        async def seen(scope: Scope, receive: Receive, send: Send) -> None:
            async def sending(message: Message) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= 500:
                        span.set_status(trace.StatusCode.ERROR)
                await send(message)

            with trace.use_span(span, end_on_exit=True, record_exception=False, set_status_on_exception=False):
                await inner(scope, receive, sending)

        return seen

    return answer
