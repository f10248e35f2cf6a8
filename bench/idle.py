"""S12: what the platform costs while nothing is to be done, and how fast it wakes all the same.

The whole platform with 100 connections and 1,000 syncs that are due hourly, none of them now. Once
it is calm, what counts is the CPU time of each process, the kernel's included, and what MongoDB
was asked. Then Sync Now is pressed again and again: idling must not be paid for by slowness. Prints
JSON, and writes it and a picture to `bench/results/`.

    .venv/bin/python bench/idle.py [--before COMMIT] [--seconds N] [--windows N]
"""

import asyncio
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Annotated, Any

import psutil
import typer
from first_workspace import first_workspace
from pymongo import MongoClient
from tablesync.contracts import new_id
from tablesync.demo.api import Api
from tablesync.local_stack import LocalStack
from tablesync.local_stack.keys import SERVICES
from tablesync.local_stack.waiting import eventually
from tablesync.test_kit.commit_source import source_of

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "bench" / "results" / "idle.json"
PICTURE = RESULT.with_suffix(".svg")
BAR = 1.5
CONNECTIONS, SYNCS, PRESSES = 100, 1_000, 40
SMALL = {"SANDBOX_CONTACTS": "20", "SANDBOX_COMPANIES": "20", "SANDBOX_DEALS": "20"}
MEASURED = (*SERVICES, "mongod", "kafka")
Mongo = MongoClient[dict[str, Any]]
TITLE = "Idle: CPU seconds a minute, 100 connections, 1,000 syncs due hourly"
LEFT, COLOURS = 80, ("#54aeff", "#2da44e", "#8250df", "#bf8700")


def main(
    before: Annotated[str, typer.Option(help="The commit to compare with; none by default.")] = "",
    seconds: Annotated[float, typer.Option(help="The length of one window.")] = 60,
    windows: Annotated[int, typer.Option(help="Windows; the median counts.")] = 3,
) -> None:
    """Measure, print, and keep the result."""
    found = {"before": run(source_of(before).environment, seconds, windows)} if before else {}
    found["today"] = run({}, seconds, windows)
    result = {
        "connections": CONNECTIONS,
        "syncs_due_hourly": SYNCS,
        "window_seconds": seconds,
        "windows": windows,
        "before_commit": before or None,
        "bar_cpu_seconds_a_minute": BAR,
        **found,
        **({"today_to_before": ratios(found["today"], found["before"])} if before else {}),
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    PICTURE.write_text(drawn({name: each["cpu_seconds_a_minute"] for name, each in found.items()}))
    typer.echo(json.dumps(result, indent=2))


def run(source: Mapping[str, str], seconds: float, windows: int) -> dict[str, Any]:
    """Start a platform of this source, and measure it."""
    env = {"sandbox": SMALL, **{each: dict(source) for each in SERVICES}}
    with LocalStack(ROOT, "bench-idle", fresh=True, env=env) as stack:
        result = asyncio.run(measure(stack, seconds, windows))
    stack.remove()
    return result


async def measure(stack: LocalStack, seconds: float, windows: int) -> dict[str, Any]:
    """Return what idling costs, and how long a press of Sync Now takes to begin a run."""
    with Mongo(stack.info.mongodb, tz_aware=True) as mongo:
        sync_id = await fill(stack, mongo)
        await calm(mongo)
        found = [await window(stack, mongo, seconds) for _ in range(windows)]
        latencies = await press(stack, mongo, sync_id)
    return {
        "cpu_seconds_a_minute": medians([each["cpu"] for each in found]),
        "services_cpu_seconds_a_minute": [
            round(sum(each["cpu"][name] for name in SERVICES), 3) for each in found
        ],
        "mongodb_operations_a_second": medians([each["operations"] for each in found]),
        "milliseconds": latencies,
    }


async def fill(stack: LocalStack, mongo: Mongo) -> str:
    """Connect both accounts, define a sync, and multiply all three; return the sync's id.

    The copies' grants are sealed for the original, but nobody opens one while it is not used.
    """
    first = await first_workspace(stack)
    hubspots = [first.hubspot, *copy_connections(mongo, first.hubspot, CONNECTIONS // 2 - 1)]
    airtables = [first.airtable, *copy_connections(mongo, first.airtable, CONNECTIONS // 2 - 1)]
    copy_syncs(mongo, first.sync, hubspots, airtables)
    return first.sync


def copy_connections(mongo: Mongo, connection_id: str, count: int) -> list[str]:
    """Store a connection again and again, each time of another account; return the ids."""
    auth = mongo["auth"]
    connection = auth["connections"].find_one({"_id": connection_id})
    grant = auth["grants"].find_one({"_id": connection_id})
    assert connection
    assert grant
    ids = [new_id("con") for _ in range(count)]
    for number, each in enumerate(ids):
        account = connection["account"] | {"id": f"{connection['account']['id']}-{number}"}
        sequence = connection["sequence"] + number + 1
        auth["connections"].insert_one(
            connection | {"_id": each, "account": account, "sequence": sequence}
        )
        auth["grants"].insert_one(grant | {"_id": each, "account": account})
    return ids


def copy_syncs(mongo: Mongo, sync_id: str, hubspots: list[str], airtables: list[str]) -> None:
    """Store a sync again and again, due within the hour but not within the next 20 minutes."""
    syncs = mongo["scheduler"]["syncs"]
    sync = syncs.find_one({"_id": sync_id})
    assert sync
    first = datetime.now(UTC) + timedelta(minutes=20)
    copies = []
    for number in range(SYNCS - 1):
        pair = hubspots[number % len(hubspots)], airtables[number % len(airtables)]
        copies.append(
            sync
            | {
                "_id": new_id("syn"),
                "connection_ids": [*pair],
                "source": sync["source"] | {"connection_id": pair[0]},
                "destination": sync["destination"] | {"connection_id": pair[1]},
                "due_at": first + timedelta(seconds=40 * 60 * number / SYNCS),
            }
        )
    syncs.insert_many(copies)


async def calm(mongo: Mongo) -> None:
    """Wait until every service knows every connection and nothing is left to be said."""

    def settled() -> bool:
        known = (("scheduler", "connection_holds"), ("runner", "connections"))
        waiting = sum(
            mongo[each]["outbox"].count_documents({"pending": True})
            for each in ("auth", "scheduler", "runner")
        )
        return not waiting and all(
            mongo[database][collection].count_documents({}) >= CONNECTIONS
            for database, collection in (*known, ("notifier", "connections"))
        )

    await eventually(settled, timeout=180, interval=1)
    await asyncio.sleep(10)


async def window(stack: LocalStack, mongo: Mongo, seconds: float) -> dict[str, dict[str, float]]:
    """Return what each process and MongoDB did in a window in which nobody asked for anything."""
    began, cpu, operations = time.monotonic(), cpu_seconds(stack), opcounters(mongo)
    await asyncio.sleep(seconds)
    took = time.monotonic() - began
    return {
        "cpu": per(cpu_seconds(stack), cpu, took / 60),
        "operations": per(opcounters(mongo), operations, took),
    }


def cpu_seconds(stack: LocalStack) -> dict[str, float]:
    """Return the CPU time that each process has used so far, its own and the kernel's."""
    pids = {name: stack.pid(name) for name in MEASURED}
    times = {name: psutil.Process(pid).cpu_times() for name, pid in pids.items() if pid}
    return {name: each.user + each.system for name, each in times.items()}


def opcounters(mongo: Mongo) -> dict[str, float]:
    """Return what MongoDB was asked so far, by kind."""
    counters = mongo.admin.command("serverStatus")["opcounters"]
    return {name: float(count) for name, count in counters.items() if name != "deprecated"}


async def press(stack: LocalStack, mongo: Mongo, sync_id: str) -> dict[str, dict[str, float]]:
    """Press Sync Now again and again; return how long each step took, by the database's clock."""
    api = Api(stack.info.urls, stack.info.api_token)
    runs = mongo["runner"]["runs"]
    told: list[float] = []
    begun: list[float] = []
    for _ in range(PRESSES):
        run_id = (await api.post("scheduler", f"/v1/syncs/{sync_id}/run"))["run_id"]

        def ended(run_id: str = run_id) -> dict[str, Any] | None:
            return runs.find_one({"_id": run_id, "ended_at": {"$ne": None}})

        run = await eventually(ended, timeout=60)
        asked = mongo["scheduler"]["runs"].find_one({"_id": run_id})
        assert asked
        told.append(milliseconds(run["queued_at"] - asked["requested_at"]))
        begun.append(milliseconds(run["started_at"] - asked["requested_at"]))
        await eventually(lambda: finished(mongo, sync_id), timeout=60)
    await api.close()
    return {"asked_to_queued": spread(told), "asked_to_begun": spread(begun)}


def finished(mongo: Mongo, sync_id: str) -> bool:
    """Whether the scheduler has heard of the end of the sync's last run."""
    runs = mongo["scheduler"]["runs"]
    return runs.find_one({"sync_id": sync_id, "ended_at": None}) is None


def milliseconds(span: timedelta) -> float:
    """Return a span in milliseconds."""
    return span / timedelta(milliseconds=1)


def spread(found: list[float]) -> dict[str, float]:
    """Return the median and what nine of ten do not exceed."""
    return {"p50": round(median(found), 1), "p90": round(quantiles(found, n=10)[-1], 1)}


def per(after: Mapping[str, float], before: Mapping[str, float], unit: float) -> dict[str, float]:
    """Return by how much each counter grew per unit."""
    return {name: (after[name] - before[name]) / unit for name in before}


def medians(found: list[dict[str, float]]) -> dict[str, float]:
    """Return the median of each number."""
    return {name: round(median(each[name] for each in found), 3) for name in found[0]}


def ratios(today: dict[str, Any], before: dict[str, Any]) -> dict[str, float]:
    """Return today's median over the earlier commit's, of what S12 and S6 are about."""

    def ratio(of: Any) -> float:
        return round(of(today) / of(before), 3)

    return {
        "cpu": ratio(lambda each: median(each["services_cpu_seconds_a_minute"])),
        "mongodb_operations": ratio(lambda each: sum(each["mongodb_operations_a_second"].values())),
        **{
            f"{step}_{part}": ratio(lambda each: each["milliseconds"][step][part])  # noqa: B023
            for step in today["milliseconds"]
            for part in ("p50", "p90")
        },
    }


def drawn(cpu: Mapping[str, Mapping[str, float]]) -> str:
    """Draw the services' CPU seconds a minute as SVG: a bar for each source, beside the limit."""
    scale = 560 / max(BAR, *(sum(each[name] for name in SERVICES) for each in cpu.values()))
    limit = LEFT + BAR * scale
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {70 + 46 * len(cpu)}" '
        f'font-family="system-ui, sans-serif" font-size="13" role="img" aria-label="{TITLE}">'
        '<rect width="100%" height="100%" rx="8" fill="#fff"/>',
        f'<text x="14" y="24" font-weight="600">{TITLE}</text>',
    ]
    for row, (source, each) in enumerate(cpu.items()):
        parts += bar(source, {name: each[name] * scale for name in SERVICES}, 42 + 46 * row)
        total = sum(each[name] for name in SERVICES)
        end = LEFT + total * scale + 6
        parts.append(f'<text x="{end:.0f}" y="{60 + 46 * row}">{total:.2f}</text>')
    parts.append(
        f'<line x1="{limit:.0f}" y1="36" x2="{limit:.0f}" y2="{40 + 46 * len(cpu)}" '
        f'stroke="#cf222e"/><text x="{limit:.0f}" y="{58 + 46 * len(cpu)}" fill="#cf222e" '
        f'text-anchor="middle">S12: {BAR}</text></svg>'
    )
    return "\n".join(parts) + "\n"


def bar(label: str, widths: Mapping[str, float], top: float) -> list[str]:
    """Draw one bar of as many parts as there are services."""
    parts, x = [f'<text x="14" y="{top + 18}">{label}</text>'], float(LEFT)
    for (name, width), colour in zip(widths.items(), COLOURS, strict=True):
        parts.append(
            f'<rect x="{x:.1f}" y="{top}" width="{width:.1f}" height="28" fill="{colour}">'
            f"<title>{name}</title></rect>"
        )
        if width > 7 * len(name):
            parts.append(f'<text x="{x + 5:.1f}" y="{top + 18}" fill="#fff">{name}</text>')
        x += width
    return parts


if __name__ == "__main__":
    typer.run(main)
