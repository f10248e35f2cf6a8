"""S1 and S4: how fast a first sync writes, against dlt doing the same, and what a second one costs.

The whole platform with durable state, limits off. In each round TableSync and dlt take turns: a new
table for each, and all deals of a portal into it, the rows counted by the sandbox. dlt runs as it
does by itself, one load job after the other, and tuned to as many at once as TableSync has writes
in flight. The ratio of a round is of records a second; the median counts. Beside it stands the CPU
time of runner and MongoDB, which a busy machine changes less. After its turn TableSync runs again
over the unchanged data: what matters is what it sends to Airtable then. An earlier commit does the
same on a platform of its own beside today's sandbox, in turns with today's: what is told of the two
is the median of the ratios of the rounds. Prints JSON, and writes it and a picture to
`bench/results/`.

    .venv/bin/python bench/first_sync.py [--before COMMIT] [--records N] [--rounds N]
"""

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import psutil
import typer
from pymongo import MongoClient
from tablesync.demo.api import Api
from tablesync.demo.person import Person
from tablesync.demo.syncs import KEY_FIELD, Table, definition, labels_of, tables_of
from tablesync.local_stack import LocalStack
from tablesync.local_stack.keys import SERVICES
from tablesync.local_stack.sandbox_control import SandboxControl
from tablesync.local_stack.waiting import eventually
from tablesync.test_kit.commit_source import source_of

ROOT = Path(__file__).resolve().parents[1]
RESULT = ROOT / "bench" / "results" / "first_sync.json"
PICTURE = RESULT.with_suffix(".svg")
PEER = ROOT / "bench" / "peers"
BAR, PORTAL, HOUR = 2.0, "7001", 3_600
# How many load jobs dlt has at once.
PEERS = {"dlt": 1, "dlt tuned": 8}
MEASURED = ("sync-runner", "mongod")
COMPARED: Mapping[str, Callable[[Mapping[str, Any]], float]] = {
    "records_a_second": lambda each: float(each["TableSync"]),
    "cpu_seconds": lambda each: float(sum(each["cpu"].values())),
}
WHO = {"TableSync": "#2da44e", "dlt": "#8c959f", "dlt tuned": "#6e7781"}
UNLIMITED = {
    "RUNNER_AIRTABLE_BASE_PER_SECOND": "10000",
    "RUNNER_AIRTABLE_USER_PER_SECOND": "10000",
    "RUNNER_HUBSPOT_PER_TEN_SECONDS": "100000",
    "RUNNER_HUBSPOT_SEARCH_PER_SECOND": "10000",
}
Mongo = MongoClient[dict[str, Any]]
TITLE = "First sync: records a second, limits off"


def main(
    before: Annotated[str, typer.Option(help="The commit to compare with; none by default.")] = "",
    records: Annotated[int, typer.Option(help="Deals of the portal.")] = 20_000,
    rounds: Annotated[int, typer.Option(help="Pairs; the median counts.")] = 5,
) -> None:
    """Measure, print, and keep the result."""
    python = peer()
    sources = {"before": source_of(before).environment} if before else {}
    sources["today"] = {}
    measured = asyncio.run(measure(sources, python, records, rounds))
    found = {name: summary(each) for name, each in measured.items()}
    result = {
        "records": records,
        "rounds": rounds,
        "before_commit": before or None,
        "bar_ratio_to_dlt": BAR,
        **found,
    }
    if before:
        pairs = list(zip(measured["today"], measured["before"], strict=True))
        result["today_to_before"] = {
            key: round(median(of(today) / of(earlier) for today, earlier in pairs), 3)
            for key, of in COMPARED.items()
        }
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(result, indent=2) + "\n")
    PICTURE.write_text(drawn(found))
    typer.echo(json.dumps(result, indent=2))


def peer() -> Path:
    """Return the Python of dlt's own environment, which is made once."""
    folder = ROOT / ".local" / "bench-dlt"
    python = folder / "bin" / "python"
    uv = Path(sys.executable).with_name("uv")
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    lock = str(PEER / "dlt.lock")
    subprocess.run(
        [uv, "pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", lock],
        check=True,
    )
    return python


async def measure(
    sources: Mapping[str, Mapping[str, str]], python: Path, records: int, rounds: int
) -> dict[str, list[dict[str, Any]]]:
    """Return what the platforms of these sources did in each round, in turns."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in sources}
    async with AsyncExitStack() as stack:
        benches = {
            name: await stack.enter_async_context(platform(name, env, records))
            for name, env in sources.items()
        }
        for number in range(rounds):
            for name in [*benches][:: 1 if number % 2 else -1]:
                found[name].append(await pair(benches[name], python, records, number))
    return found


@asynccontextmanager
async def platform(name: str, source: Mapping[str, str], records: int) -> AsyncIterator["Bench"]:
    """Run a platform of this source, warmed up."""
    env = {each: {**source, **UNLIMITED} for each in SERVICES}
    env["sandbox"] = {
        **{f"SANDBOX_{each}": "20" for each in ("CONTACTS", "COMPANIES")},
        "SANDBOX_DEALS": str(records),
    }
    stack = LocalStack(ROOT, f"bench-first-sync-{name}", fresh=True, env=env)
    with stack, Mongo(stack.info.mongodb, tz_aware=True) as mongo:
        bench = await connected(stack, mongo["runner"]["runs"])
        await one(bench, records, "warm-up", "TableSync")  # imports, indexes and caches
        yield bench
        await bench.api.close()
    stack.remove()


@dataclass
class Bench:
    """A running platform with both accounts connected."""

    stack: LocalStack
    api: Api
    sandbox: SandboxControl
    runs: Any
    hubspot: str
    airtable: str

    async def new_table(self, name: str) -> Table:
        """Make a base with an empty copy of the deals' table."""
        given = tables_of((await self.sandbox.bases())["bases"])["deals"]
        names = ("name", "type", "options")
        fields = [
            {key: each[key] for key in names if each.get(key)} for each in given.fields.values()
        ]
        base = await self.sandbox.control(
            "airtable", "-", "create-base", name=name, tables=[{"name": "T", "fields": fields}]
        )
        return tables_of([base | {"name": "deals"}])["deals"]

    async def properties(self) -> list[dict[str, Any]]:
        """Return the deals' properties."""
        path = f"/v1/catalog/{self.hubspot}/objects/deals/properties"
        return await self.api.items("sync-runner", path)

    async def sync_now(self, sync_id: str) -> dict[str, Any]:
        """Ask for a run, and return it once it has ended well."""
        run_id = (await self.api.post("scheduler", f"/v1/syncs/{sync_id}/run"))["run_id"]

        def look() -> Any:
            return self.runs.find_one({"_id": run_id, "ended_at": {"$ne": None}})

        found: dict[str, Any] = await eventually(look, timeout=600, interval=0.2)
        assert found["status"] == "succeeded", found["summary"]
        return found

    def cpu_seconds(self) -> dict[str, float]:
        """Return the CPU time that each has used so far, the kernel's included."""
        pids = {name: self.stack.pid(name) for name in MEASURED}
        times = {name: psutil.Process(pid).cpu_times() for name, pid in pids.items() if pid}
        return {name: each.user + each.system for name, each in times.items()}

    async def rows(self, table: Table) -> int:
        """Return how many rows a table has."""
        query = {"base": table.base_id, "table": table.table_id}
        return len(await self.sandbox.records("airtable", "-", **query))


def summary(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the records a second of all, their ratios, and what a second sync sends."""
    return {
        "records_a_second": {who: middle(found, who) for who in WHO},
        "cpu_seconds": {
            name: round(median(each["cpu"][name] for each in found), 2) for name in MEASURED
        },
        **{
            f"ratio_to_{who.replace(' ', '_')}": round(
                median(each["TableSync"] / each[who] for each in found), 2
            )
            for who in PEERS
        },
        "second_sync": found[-1]["second"],
    }


def middle(found: Sequence[Mapping[str, Any]], who: str) -> int:
    """Return the median of the records a second."""
    return round(float(median(each[who] for each in found)))


async def connected(stack: LocalStack, runs: Any) -> Bench:
    """Connect both accounts, without limits."""
    api = Api(stack.info.urls, stack.info.api_token)
    sandbox = SandboxControl(stack.info.sandbox or "")
    for provider in ("hubspot", "airtable"):
        await sandbox.control(provider, "-", "limits", enabled=False)
    person = Person(api, sandbox)
    hubspot = (await person.connect("hubspot", PORTAL))["connection_id"]
    airtable = (await person.connect("airtable"))["connection_id"]
    await person.close()
    return Bench(stack, api, sandbox, runs, hubspot, airtable)


async def pair(bench: Bench, python: Path, records: int, number: int) -> dict[str, Any]:
    """Let all take a turn, each time in another order."""
    turns = [
        *((who, partial(dlt, bench, python, records, jobs)) for who, jobs in PEERS.items()),
        ("TableSync", partial(one, bench, records)),
    ]
    shift = number % len(turns)
    found: dict[str, Any] = {}
    for who, turn in turns[shift:] + turns[:shift]:
        found |= await turn(f"{who} {number}", who)
    return found


async def one(bench: Bench, records: int, name: str, who: str) -> dict[str, Any]:
    """Sync all deals into a new table with TableSync, and then once more."""
    table = await bench.new_table(name)
    body = definition("deals", table, await bench.properties(), bench.hubspot, bench.airtable)
    body["schedule"] = {"every_seconds": HOUR}
    sync = await bench.api.post("scheduler", "/v1/syncs", body)
    cpu = bench.cpu_seconds()
    first = await bench.sync_now(sync["id"])
    used = {name: each - cpu[name] for name, each in bench.cpu_seconds().items()}
    assert first["counts"]["written"] == await bench.rows(table) == records, first["counts"]
    seconds = (first["ended_at"] - first["started_at"]).total_seconds()
    await bench.sandbox.reset_counters()
    await bench.sync_now(sync["id"])
    counters = (await bench.sandbox.counters())["airtable"]
    return {who: records / seconds, "cpu": used, "second": second(counters)}


def second(counters: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a sync over unchanged data sent to Airtable: it reads the table's fields."""
    written = counters["records_created"] + counters["records_updated"]
    return {"requests": counters["requests"], "records_written": written}


async def dlt(
    bench: Bench, python: Path, records: int, jobs: int, name: str, who: str
) -> dict[str, float]:
    """Sync all deals into a new table with dlt; return records a second, its start-up left out."""
    table = await bench.new_table(name)
    properties = await bench.properties()
    labels = labels_of(properties)
    mapping = definition("deals", table, properties, bench.hubspot, bench.airtable)["mapping"]
    fields = {each["id"]: each for each in table.fields.values()}
    tokens = {
        provider: (await bench.sandbox.mint(provider, account))["access_token"]
        for provider, account in (("hubspot", PORTAL), ("airtable", "-"))
    }
    with tempfile.TemporaryDirectory() as folder:
        job = {
            "folder": folder,
            "records": records,
            "in_flight": jobs,
            "key_field": table.fields[KEY_FIELD]["id"],
            "mapping": [
                each
                | {
                    "type": fields[each["field_id"]]["type"],
                    "labels": labels.get(each["source"], {}),
                }
                for each in mapping
            ],
            "hubspot": {
                "url": f"{bench.sandbox.url}/hubspot",
                "path": "/crm/objects/2026-09/deals",
                "token": tokens["hubspot"],
            },
            "airtable": {
                "url": f"{bench.sandbox.url}/airtable",
                "path": f"/v0/{table.base_id}/{table.table_id}",
                "token": tokens["airtable"],
            },
        }
        process = await asyncio.create_subprocess_exec(
            python,
            PEER / "dlt_deals.py",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await process.communicate(json.dumps(job).encode())
    assert process.returncode == 0, "dlt failed"
    assert await bench.rows(table) == records
    return {who: records / float(json.loads(said.splitlines()[-1])["seconds"])}


def drawn(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Draw the records a second as SVG: two bars for each source."""
    bars = [
        (f"{name}: {who}", each["records_a_second"][who], colour)
        for name, each in found.items()
        for who, colour in WHO.items()
    ]
    scale = 460 / max(value for _, value, _ in bars)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 {50 + 40 * len(bars)}" '
        f'font-family="system-ui, sans-serif" font-size="13" role="img" aria-label="{TITLE}">'
        '<rect width="100%" height="100%" rx="8" fill="#fff"/>',
        f'<text x="14" y="24" font-weight="600">{TITLE}</text>',
    ]
    for row, (label, value, colour) in enumerate(bars):
        top = 40 + 40 * row
        parts.append(
            f'<text x="14" y="{top + 18}">{label}</text>'
            f'<rect x="160" y="{top}" width="{value * scale:.0f}" height="28" fill="{colour}"/>'
            f'<text x="{168 + value * scale:.0f}" y="{top + 18}">{value:,}</text>'
        )
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    typer.run(main)
