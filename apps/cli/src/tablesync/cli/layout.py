"""How `tablesync status` lays things out: an entry each, in lines that fit a narrow terminal.

An id has a line of its own, so that it can be copied whole.
"""

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text
from tablesync.cli.answers import Connection, Hold, Incident, Run, Sync
from tablesync.cli.format import NOTHING, ago, badge, counts, every, plain, state
from tablesync.cli.status import Status
from tablesync.contracts import Gap, HoldKind, SyncStatus
from tablesync.contracts.wording import loss, one_line, runs_again

Names = Mapping[str | None, str]
INDENT = (0, 0, 0, 2)
# How and why is told of the connection itself.
_CONNECTION_LOST = "its connection is lost"


def overview(status: Status) -> Group:
    """Lay out everything, one list under the other."""
    return Group(*_parts(status))


def _parts(status: Status) -> Iterator[RenderableType]:
    connections: Names = {each.id: each.label for each in status.connections}
    yield from _connections(status.connections)
    yield from _syncs(status.syncs, connections)
    if status.incidents:
        yield from _incidents(status.incidents, {**connections, **_names(status.syncs)})
    for problem in (*status.problems, *status.unread):
        yield Text(problem, style="bold red")


def _names(syncs: Sequence[Sync]) -> Names:
    return {each.id: each.name for each in syncs}


def _connections(found: Sequence[Connection]) -> Iterator[RenderableType]:
    yield _title("Connections" if found else "No connections yet.")
    for each in found:
        yield _entry(
            badge(each.badge).append("  ").append(plain(each.label)),
            *_why_look(each),
            Text(f"since {ago(each.changed_at)}"),
            _id(each.id),
        )


def _why_look(connection: Connection) -> Iterator[Text]:
    """Yield why a connection is lost, or what is to be looked at while it is not."""
    if connection.cause:
        yield plain(loss(connection.cause, connection.provider))
    else:
        yield from (plain(each.message) for each in connection.findings)


def _syncs(found: Sequence[Sync], names: Names) -> Iterator[RenderableType]:
    yield _title("Syncs" if found else "No syncs yet.")
    for each in found:
        where = names.get(each.source.connection_id, each.source.connection_id)
        yield _entry(
            plain(each.name).append("  ").append(_sync_state(each)),
            plain(f"{where} {each.source.object}, {every(each.schedule)}"),
            Text("last run: ").append(_last_run(each.last_run)),
            *_next_run(each),
            *_gap(each.gap),
            _id(each.id),
        )


def _incidents(found: Sequence[Incident], names: Names) -> Iterator[RenderableType]:
    yield _title("Open incidents")
    for each in found:
        about = each.connection_id if each.kind == "connection" else each.sync_id
        mails = [f"{mail.kind} to {mail.to}" for mail in each.mails if mail.sent_at]
        yield _entry(
            plain(names.get(about, about)),
            plain(_CONNECTION_LOST if each.kind == HoldKind.CONNECTION else each.cause).append(
                f", since {ago(each.opened_at)}"
            ),
            *(Text("mailed: ").append(plain(mail)) for mail in mails),
            _id(each.id),
        )


def _title(text: str) -> Text:
    return Text(text, style="bold")


def _entry(first: Text, *more: Text) -> RenderableType:
    return Padding(Group(first, *(Padding(each, INDENT) for each in more)), INDENT)


def _id(value: str) -> Text:
    return Text(value, style="dim", no_wrap=True, overflow="ignore")


def _sync_state(sync: Sync) -> Text:
    shown = state(sync.status)
    if sync.status == SyncStatus.PAUSED and sync.hold:
        shown.append(" and ").append(state(SyncStatus.HELD))
    return shown.append(_why(sync.hold), style="default") if sync.hold else shown


def _why(hold: Hold) -> str:
    because = f"{hold.kind} ({one_line(hold.cause)})"
    if hold.kind == HoldKind.CONNECTION:
        because = _CONNECTION_LOST
    return f": {because}, since {ago(hold.since)}"


def _next_run(sync: Sync) -> Iterator[Text]:
    """Yield when it runs again; the slots of one that is held or paused pass without a run."""
    if again := runs_again(sync.status, sync.stopped_by):
        yield Text(f"next run: {again}")
    elif sync.status == SyncStatus.ACTIVE:
        yield Text(f"next run: {ago(sync.next_slot_at)}")


def _gap(gap: Gap | None) -> Iterator[Text]:
    if gap is None:
        return
    when = ago(gap.from_)
    if gap.interrupted and not gap.slots_missed:
        yield Text(f"run cut short {when}", style="red")
    else:
        yield Text(f"{gap.slots_missed} missed since {when}", style="red")


def _last_run(run: Run | None) -> Text:
    if run is None:
        return NOTHING
    when = ago(run.ended_at or run.started_at or run.requested_at)
    what = " checked everything" if run.check_everything else ""
    return state(run.status).append(f"{what} {when}: {counts(run.counts)}", style="default")
