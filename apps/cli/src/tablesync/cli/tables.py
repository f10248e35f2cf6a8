"""The tables of `tablesync status`."""

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from tablesync.cli.answers import Connection, Incident, Run, Sync
from tablesync.cli.format import NOTHING, ago, badge, counts, every, plain, state
from tablesync.cli.status import Status
from tablesync.contracts import Gap, SyncStatus

Names = Mapping[str | None, str]


def overview(status: Status) -> Group:
    """Lay out everything, one table under the other."""
    return Group(*_parts(status))


def _parts(status: Status) -> Iterator[RenderableType]:
    connections: Names = {each.id: each.label for each in status.connections}
    yield _connections(status.connections)
    yield _syncs(status.syncs, connections)
    if status.incidents:
        yield _incidents(status.incidents, {**connections, **_names(status.syncs)})
    for problem in status.problems:
        yield Text(problem, style="bold red")


def _names(syncs: Sequence[Sync]) -> Names:
    return {each.id: each.name for each in syncs}


def _connections(found: Sequence[Connection]) -> RenderableType:
    table = _table("Connections", "status", "account", "since", "cause", "id")
    for each in found:
        table.add_row(
            badge(each.badge),
            plain(each.label),
            ago(each.changed_at),
            plain(each.cause),
            Text(each.id, style="dim"),
        )
    return table if found else Text("No connections yet.")


def _syncs(found: Sequence[Sync], names: Names) -> RenderableType:
    table = _table("Syncs", "sync", "from", "schedule", "state", "gap", "next", "last run")
    for each in found:
        where = names.get(each.source.connection_id, each.source.connection_id)
        table.add_row(
            plain(each.name),
            plain(f"{where} {each.source.object}"),
            every(each.schedule),
            _sync_state(each),
            _gap(each.gap),
            ago(each.next_slot_at),
            _last_run(each.last_run),
        )
    return table if found else Text("No syncs yet.")


def _incidents(found: Sequence[Incident], names: Names) -> Table:
    table = _table("Open incidents", "about", "cause", "since", "mails", "id")
    for each in found:
        about = each.connection_id if each.kind == "connection" else each.sync_id
        mails = [f"{mail.kind} to {mail.to}" for mail in each.mails if mail.sent_at]
        table.add_row(
            plain(names.get(about, about)),
            plain(each.cause),
            ago(each.opened_at),
            plain(", ".join(mails)),
            Text(each.id, style="dim"),
        )
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim")
    for each in columns:
        table.add_column(each, overflow="fold")
    return table


def _sync_state(sync: Sync) -> Text:
    hold = sync.hold
    if hold is None:
        return state(sync.status)
    return state(SyncStatus.HELD).append(f": {hold.kind} ({hold.cause}), since {ago(hold.since)}")


def _gap(gap: Gap | None) -> Text:
    if gap is None:
        return NOTHING
    when = ago(gap.from_)
    if gap.interrupted and not gap.slots_missed:
        return Text(f"run cut short {when}", style="red")
    return Text(f"{gap.slots_missed} missed since {when}", style="red")


def _last_run(run: Run | None) -> Text:
    if run is None:
        return NOTHING
    when = ago(run.ended_at or run.started_at or run.requested_at)
    return state(run.status).append(f" {when}: {counts(run.counts)}", style="default")
