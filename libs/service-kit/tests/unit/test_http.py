"""The client factory: trace context goes along, and spans know the host alone."""

import ssl

import httpx
import pytest
from fastapi import FastAPI, Request
from opentelemetry import trace
from tablesync.service_kit.http.client import TracedTransport, json_or_none, new_client
from tablesync.service_kit.telemetry import current_traceparent


async def test_a_request_carries_the_trace_context_and_keeps_its_own_headers() -> None:
    app = FastAPI()

    @app.get("/token/canary")
    async def echo(request: Request) -> dict[str, str]:
        return dict(request.headers)

    transport = TracedTransport(httpx.ASGITransport(app=app))
    context = trace.SpanContext(1, 2, is_remote=True, trace_flags=trace.TraceFlags(1))
    async with httpx.AsyncClient(transport=transport) as client:
        with trace.use_span(trace.NonRecordingSpan(context)):
            assert current_traceparent() == f"00-{1:032x}-{2:016x}-01"
            answer = await client.get("http://kit/token/canary", headers={"X-Own": "1"})
    headers = answer.json()
    assert headers["traceparent"].startswith(f"00-{1:032x}-")
    assert headers["x-own"] == "1"


async def test_a_refused_connection_is_a_transport_error() -> None:
    async with new_client("http://127.0.0.1:1") as client:
        with pytest.raises(httpx.TransportError):
            await client.get("/")


async def test_whom_clients_trust_is_loaded_once_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    async with new_client():
        monkeypatch.delattr(ssl, "create_default_context")
        async with new_client() as another, new_client():
            assert not another.is_closed


def test_a_body_that_is_no_json_is_none() -> None:
    assert json_or_none(httpx.Response(502, text="<html>")) is None
    assert json_or_none(httpx.Response(200, json={"a": 1})) == {"a": 1}
