"""How long the dashboard's pages take in a workspace of 1,000 connections and 10,000 syncs.

The whole platform, real services and all; what there is many of is stored through the services' own
models. A page's time is from the request to the last byte of its answer, on this machine: the
dashboard, the services that it asks, and MongoDB. Prints JSON, and writes it to `bench/results/`.

    .venv/bin/python bench/dashboard.py [--before COMMIT] [--times N]
"""

import asyncio
import json
import re
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import httpx
import typer
from first_workspace import first_workspace
from pymongo import MongoClient
from tablesync.auth_service.connections import Connection
from tablesync.contracts import RunStatus, Trigger, new_id
from tablesync.local_stack import LocalStack
from tablesync.local_stack.keys import DASHBOARD, SERVICES
from tablesync.local_stack.plan import ALL
from tablesync.scheduler.domain.runs import Run
from tablesync.scheduler.domain.syncs import Sync
from tablesync.test_kit.commit_source import source_of

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "bench" / "results" / "dashboard.json"
CONNECTIONS, SYNCS, RUNS = 1_000, 10_000, 30_000
PAGE_BAR_MS, USES_BAR_MS, FIRST_PAGE_BAR_BYTES = 300, 100, 200_000
SMALL = {"SANDBOX_CONTACTS": "20", "SANDBOX_COMPANIES": "20", "SANDBOX_DEALS": "20"}
WORDS = ("Contacts", "Companies", "Deals", "Leads", "Partners", "Renewals", "Visits", "Offers")
ASSET = re.compile(r'(?:href|src)="(/static/[^"]+)"')
Mongo = MongoClient[dict[str, Any]]


def main(
    before: Annotated[str, typer.Option(help="The commit to compare with; none by default.")] = "",
    times: Annotated[int, typer.Option(help="How often each page is asked for.")] = 20,
) -> None:
    """Measure, print, and keep the result."""
    found = {"before": run(source_of(before).environment, times)} if before else {}
    found["today"] = run({}, times)
    result = {
        "connections": CONNECTIONS,
        "syncs": SYNCS,
        "runs": RUNS,
        "before_commit": before or None,
        "bars": {
            "page_ms": PAGE_BAR_MS,
            "uses_ms": USES_BAR_MS,
            "first_page_bytes": FIRST_PAGE_BAR_BYTES,
        },
        **found,
        **({"today_to_before": ratios(found["today"], found["before"])} if before else {}),
    }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    typer.echo(json.dumps(result, indent=2))


def run(source: Mapping[str, str], times: int) -> dict[str, Any]:
    """Start a platform of this source, fill it, and measure it."""
    env = {"sandbox": SMALL, **{each: dict(source) for each in (*SERVICES, DASHBOARD)}}
    with LocalStack(ROOT, "bench-dashboard", programs=ALL, fresh=True, env=env) as stack:
        result = asyncio.run(measure(stack, times))
    stack.remove()
    return result


async def measure(stack: LocalStack, times: int) -> dict[str, Any]:
    """Return how long pages and calls take, and what the first page weighs."""
    ids, sync_id = await fill(stack)
    connection_id = ids[0]
    async with httpx.AsyncClient(
        base_url=stack.info.urls[DASHBOARD], follow_redirects=True, timeout=60
    ) as browser:
        await browser.get("/sign-in/start", params={"person": "ada", "return_to": "/"})
        where = f"/w/{stack.info.workspace_id}"
        pages = {
            "first page": "/integrations",
            "first page, searched": "/integrations?q=account+7",
            "syncs": "/syncs",
            "syncs, searched": "/syncs?q=deals",
            "syncs, of a state": "/syncs?state=failing",
            "syncs, of a connection": f"/syncs?connection={connection_id}",
            "a sync": f"/syncs/{sync_id}",
            "a connection": f"/connections/{connection_id}",
            "runs": "/runs",
            "runs, of a connection": f"/runs?connection={connection_id}",
            "runs, that failed": "/runs?status=failed",
        }
        page_ms = {name: await timed(browser, where + path, times) for name, path in pages.items()}
        weight = await first_page_bytes(browser, f"{where}/integrations")
    return {
        "page_ms": page_ms,
        "call_ms": await calls(stack, ids[:50], times),
        "first_page_bytes": weight,
    }


async def calls(stack: LocalStack, ids: Sequence[str], times: int) -> dict[str, dict[str, float]]:
    """Time what pages ask of the scheduler for all of a workspace at once."""
    shown = "&".join(f"connection_id={each}" for each in ids)
    paths = {
        "uses": "/v1/connections/uses",
        "uses, of a page": f"/v1/connections/uses?{shown}",
        "counts": "/v1/syncs/counts",
        "counts, searched": "/v1/syncs/counts?q=deals",
    }
    names = "/v1/connections/names"
    api_token = {"api_token": stack.info.api_token}
    async with httpx.AsyncClient(timeout=60) as client:
        auth = stack.info.urls["auth-service"]
        told = (await client.post(f"{auth}/v1/tokens", json=api_token)).raise_for_status().json()
        client.headers["Authorization"] = f"Bearer {told['access_token']}"
        scheduler = stack.info.urls["scheduler"]
        found = {name: await timed(client, scheduler + path, times) for name, path in paths.items()}
        # What an earlier commit compared with has not is measured of the other alone.
        if (await client.get(auth + names)).status_code != httpx.codes.NOT_FOUND:
            found["names"] = await timed(client, auth + names, times)
        return found


async def timed(client: httpx.AsyncClient, path: str, times: int) -> dict[str, float]:
    """Return the median and the longest of so many answers, in milliseconds; three go before."""
    found = []
    for _ in range(times + 3):
        began = time.perf_counter()
        (await client.get(path)).raise_for_status()
        found.append((time.perf_counter() - began) * 1_000)
    return {"p50": round(median(found[3:]), 1), "max": round(max(found[3:]), 1)}


async def first_page_bytes(browser: httpx.AsyncClient, path: str) -> int:
    """Return what a browser that knows nothing loads: the page, its styles, scripts and marks."""
    page = await browser.get(path)
    assets = [await browser.get(each) for each in sorted(set(ASSET.findall(page.text)))]
    return sum(each.num_bytes_downloaded for each in (page, *assets))


async def fill(stack: LocalStack) -> tuple[list[str], str]:
    """Connect both accounts, define a sync, and multiply all three; return sources and a sync."""
    first = await first_workspace(stack)
    with Mongo(stack.info.mongodb, tz_aware=True) as mongo:
        hubspots = [first.hubspot, *copy_connections(mongo, first.hubspot)]
        airtables = [first.airtable, *copy_connections(mongo, first.airtable)]
        copy_syncs(mongo, first.sync, hubspots, airtables)
    return hubspots, first.sync


def copy_connections(mongo: Mongo, connection_id: str) -> list[str]:
    """Store a connection again and again, each time of another account; return the ids."""
    collection = mongo["auth"]["connections"]
    document = collection.find_one({"_id": connection_id})
    assert document
    first = Connection.from_document(document)
    copies = [
        first.model_copy(
            update={
                "id": new_id("con"),
                "account": first.account.model_copy(
                    update={"id": f"{first.account.id}-{number}", "name": f"Account {number}"}
                ),
                "sequence": first.sequence + number + 1,
            }
        )
        for number in range(CONNECTIONS // 2 - 1)
    ]
    collection.insert_many([each.to_document() for each in copies])
    return [each.id for each in copies]


def copy_syncs(mongo: Mongo, sync_id: str, hubspots: list[str], airtables: list[str]) -> None:
    """Store a sync again and again in several states, due in some hours, each with its runs."""
    collection = mongo["scheduler"]["syncs"]
    document = collection.find_one({"_id": sync_id})
    assert document
    first = Sync.from_document(document)
    copies, runs = [], []
    for number in range(SYNCS - 1):
        pair = hubspots[number % len(hubspots)], airtables[number % len(airtables)]
        own = [a_run(first, new_id("syn"), pair, number, turn) for turn in range(RUNS // SYNCS)]
        runs += own
        copies.append(a_copy(first, own[-1], pair, number))
    collection.insert_many([each.to_document() for each in copies])
    mongo["scheduler"]["runs"].insert_many([each.to_document() for each in runs])


def a_copy(first: Sync, last: Run, pair: tuple[str, str], number: int) -> Sync:
    """Make a sync like the first one, with a name, accounts and a state of its own."""
    due = datetime.now(UTC) + timedelta(hours=3, seconds=number)
    return first.model_copy(
        update={
            "id": last.sync_id,
            "name": f"{WORDS[number % len(WORDS)]} {number}",
            "source": first.source.model_copy(update={"connection_id": pair[0]}),
            "destination": first.destination.model_copy(update={"connection_id": pair[1]}),
            "next_slot_at": due,
            "check_at": due,
            "last_run_id": last.id,
            "failing": last.status is RunStatus.FAILED,
            "paused": number % 25 == 0,
        }
    )


def a_run(first: Sync, sync_id: str, pair: tuple[str, str], number: int, turn: int) -> Run:
    """Make a run that has ended; every twentieth sync's have failed."""
    at = datetime.now(UTC) - timedelta(hours=RUNS // SYNCS - turn, seconds=number % 3_600)
    failed = number % 20 == 0
    return Run(
        _id=new_id("run"),
        workspace_id=first.workspace_id,
        sync_id=sync_id,
        connection_ids=list(pair),
        trigger=Trigger.SCHEDULE,
        slot=at,
        status=RunStatus.FAILED if failed else RunStatus.SUCCEEDED,
        summary="HubSpot did not answer." if failed else "Done.",
        requested_at=at,
        started_at=at,
        ended_at=at + timedelta(seconds=9),
        checked_at=at,
    )


def ratios(today: dict[str, Any], before: dict[str, Any]) -> dict[str, float]:
    """Return today's medians over the earlier commit's."""
    return {
        name: round(each["p50"] / before[kind][name]["p50"], 3)
        for kind in ("page_ms", "call_ms")
        for name, each in today[kind].items()
        if name in before[kind]
    }


if __name__ == "__main__":
    typer.run(main)
