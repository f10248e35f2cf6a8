"""The tables of `tablesync status`."""

from collections.abc import Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from tablesync.cli.status import Status
from tablesync.cli.words import NOTHING, ago, badge, counts, every, plain, state

Json = dict[str, Any]


def overview(status: Status) -> Group:
    """Lay out everything, one table under the other."""
    return Group(*_parts(status))


def _parts(status: Status) -> Iterator[RenderableType]:
    names = {each["id"]: _account(each) for each in status.connections}
    yield _connections(status.connections)
    yield _syncs(status.syncs, names)
    if status.incidents:
        yield _incidents(status.incidents, names, {each["id"]: each for each in status.syncs})
    for problem in status.problems:
        yield Text(problem, style="bold red")


def _connections(items: list[Json]) -> RenderableType:
    table = _table("Connections", "status", "account", "since", "cause", "id")
    for each in items:
        table.add_row(
            badge(each["badge"]),
            plain(_account(each)),
            ago(each["changed_at"]),
            plain(each["cause"]),
            Text(each["id"], style="dim"),
        )
    return table if items else Text("No connections yet.")


def _syncs(items: list[Json], names: dict[str, str]) -> RenderableType:
    table = _table("Syncs", "sync", "from", "schedule", "state", "gap", "next", "last run")
    for each in items:
        source = each["source"]
        where = names.get(source["connection_id"], source["connection_id"])
        table.add_row(
            plain(each["name"]),
            plain(f"{where} {source['object']}"),
            every(each["schedule"]),
            _sync_state(each),
            _gap(each["gap"]),
            ago(each["next_slot_at"]),
            _last_run(each["last_run"]),
        )
    return table if items else Text("No syncs yet.")


def _incidents(items: list[Json], names: dict[str, str], syncs: dict[str, Json]) -> Table:
    table = _table("Open incidents", "about", "cause", "since", "mails", "id")
    for each in items:
        sync = syncs.get(each["sync_id"] or "", {"name": each["sync_id"]})
        about = names.get(each["connection_id"]) if each["kind"] == "connection" else sync["name"]
        mails = [f"{mail['kind']} to {mail['to']}" for mail in each["mails"] if mail["sent_at"]]
        table.add_row(
            plain(about or each["connection_id"]),
            plain(each["cause"]),
            ago(each["opened_at"]),
            plain(", ".join(mails)),
            Text(each["id"], style="dim"),
        )
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim")
    for each in columns:
        table.add_column(each, overflow="fold")
    return table


def _account(connection: Json) -> str:
    account = connection["account"]
    return f"{connection['provider']} · {account['name'] or account['id']}"


def _sync_state(sync: Json) -> Text:
    hold = sync["hold"]
    if hold is None:
        return state(sync["status"])
    return state("held").append(f": {hold['kind']} ({hold['cause']}), since {ago(hold['since'])}")


def _gap(gap: Json | None) -> Text:
    if gap is None:
        return NOTHING
    slots, when = gap["slots_missed"], ago(gap["from"])
    if gap.get("interrupted") and not slots:
        return Text(f"run cut short {when}", style="red")
    return Text(f"{slots} missed since {when}", style="red")


def _last_run(run: Json | None) -> Text:
    if run is None:
        return NOTHING
    when = ago(run["ended_at"] or run["started_at"] or run["requested_at"])
    return state(run["status"]).append(f" {when}: {counts(run['counts'])}", style="default")
