"""One trace from the request through outbox, Kafka and handler, with no URL in it."""

import httpx
from fastapi import APIRouter
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tablesync.contracts import RunCancelRequested
from tablesync.service_kit import telemetry
from tablesync.service_kit.messaging.kafka import ensure_topics
from tablesync.service_kit.messaging.relay import Relay
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork
from tablesync.service_kit.resources import Resources
from tablesync.service_kit.service import Service
from tablesync.service_kit.settings import ServiceSettings
from tablesync.test_kit import eventually
from tablesync.test_kit.messaging import read_all, running


async def test_one_trace_leads_from_the_request_to_the_handler(
    settings: ServiceSettings, units: UnitsOfWork, relay: Relay, event, new_subscriptions
) -> None:
    await ensure_topics(settings, "scheduler")
    spans = _remember_spans()
    handled: list[str | None] = []

    async def handle(_: RunCancelRequested, __: UnitOfWork) -> None:
        handled.append(telemetry.current_traceparent())

    async with running(relay.run, new_subscriptions(handle).run):
        caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        async with _client(_service(settings, units, event)) as client:
            answer = await client.post(
                "/v1/runs/run_1/cancel?code=SECRET", headers={"traceparent": caller}
            )
        assert answer.status_code == 202
        await eventually(lambda: handled)
    assert handled[0] is not None
    assert handled[0].split("-")[1] == "0af7651916cd43dd8448eb211c80319c"
    (record,) = await read_all(settings, "sync-requests")
    assert dict(record.headers)["traceparent"].split(b"-")[1] == b"0af7651916cd43dd8448eb211c80319c"
    named = [each.name for each in spans.get_finished_spans()]
    assert "POST /v1/runs/{run_id}/cancel" in named
    assert "handle tablesync.run.cancel-requested.v1" in named
    assert "SECRET" not in "".join(each.to_json() for each in spans.get_finished_spans())


def _remember_spans() -> InMemorySpanExporter:
    if not isinstance(trace.get_tracer_provider(), TracerProvider):
        trace.set_tracer_provider(TracerProvider())
    exporter = InMemorySpanExporter()
    provider = trace.get_tracer_provider()
    assert isinstance(provider, TracerProvider)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter


def _service(settings: ServiceSettings, units: UnitsOfWork, event) -> Service:
    router = APIRouter()

    @router.post("/v1/runs/{run_id}/cancel", status_code=202)
    async def cancel(run_id: str) -> None:
        async def work(unit: UnitOfWork) -> None:
            unit.publish(event(run_id).event)

        await units.run(work)

    resources = Resources.open("scheduler", settings, database="kit")
    return Service(resources, routers=[router])


def _client(service: Service) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=service.app), base_url="http://scheduler"
    )
