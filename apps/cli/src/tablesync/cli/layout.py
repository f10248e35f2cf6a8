"""How lists are laid out: an entry each, in lines that fit a narrow terminal.

An id has a line of its own, so that it can be copied whole.
"""

from collections.abc import Iterator, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text
from tablesync.cli.format import NOTHING, ago, badge, counts, every, label, plain, state, whole
from tablesync.cli.status import Status
from tablesync.contracts import Gap, HoldKind, SyncStatus
from tablesync.contracts.public_api.connections import ConnectionView
from tablesync.contracts.public_api.incidents import IncidentView
from tablesync.contracts.public_api.runs import RunView
from tablesync.contracts.public_api.schedules import Interval, OtherSchedule
from tablesync.contracts.public_api.syncs import HoldView, SyncView
from tablesync.contracts.specs import NOT_GRANTED
from tablesync.contracts.wording import loss, one_line, runs_again

Names = Mapping[str | None, str]
INDENT = (0, 0, 0, 2)
# How and why is told of the connection itself.
_CONNECTION_LOST = "its connection is lost"


def overview(status: Status) -> Group:
    """Lay out everything, one list under the other."""
    return Group(*_parts(status))


def _parts(status: Status) -> Iterator[RenderableType]:
    yield connections(status.connections)
    yield syncs(status.syncs, status.connections)
    if status.incidents:
        names: dict[str | None, str] = {each.id: each.name for each in status.syncs}
        yield incidents(status.incidents, {**_labels(status.connections), **names})
    yield from (Text(each, style="bold red") for each in status.problems)
    yield from cannot_read(status.unread)


def cannot_read(ids: Sequence[str]) -> Iterator[Text]:
    """Yield a line for each of a list that nobody can read."""
    yield from (Text(f"{each} cannot be read.", style="bold red") for each in ids)


def connections(found: Sequence[ConnectionView]) -> Group:
    """Lay out connections."""
    title = _title("Connections" if found else "No connections yet.")
    return Group(title, *map(_connection, found))


def syncs(found: Sequence[SyncView], of: Sequence[ConnectionView]) -> Group:
    """Lay out syncs, and name the connections `of` which they are, as far as those are known."""
    labels = _labels(of)
    title = _title("Syncs" if found else "No syncs yet.")
    return Group(title, *(_sync(each, labels) for each in found))


def incidents(found: Sequence[IncidentView], names: Names, title: str = "Open incidents") -> Group:
    """Lay out incidents, each by the name of what it is about."""
    return Group(_title(title), *(_incident(each, names) for each in found))


def runs(found: Sequence[RunView]) -> Group:
    """Lay out runs."""
    return Group(_title("Runs" if found else "No runs yet."), *map(_run, found))


def _labels(found: Sequence[ConnectionView]) -> Names:
    return {each.id: label(each) for each in found}


def _connection(each: ConnectionView) -> RenderableType:
    return _entry(
        badge(each.badge).append("  ").append(plain(label(each))),
        *_why_look(each),
        Text(f"since {ago(each.changed_at)}"),
        whole(each.id),
    )


def _why_look(connection: ConnectionView) -> Iterator[Text]:
    """Yield why a connection is lost, or what is to be looked at while it is not."""
    if connection.cause:
        yield plain(loss(connection.cause, connection.provider))
    else:
        yield from (plain(each.message) for each in connection.findings)


def _schedule(said: Interval | OtherSchedule) -> str:
    if isinstance(said, Interval):
        return every(said.every_seconds)
    return "by a schedule that this version does not know"


def _sync(each: SyncView, names: Names) -> RenderableType:
    where = names.get(each.source.connection_id, each.source.connection_id)
    return _entry(
        plain(each.name).append("  ").append(_sync_state(each)),
        plain(f"{where} {each.source.object}, {_schedule(each.schedule)}"),
        Text("last run: ").append(_last_run(each.last_run)),
        *_next_run(each),
        *_gap(each.gap),
        whole(each.id),
    )


def _incident(each: IncidentView, names: Names) -> RenderableType:
    about = each.connection_id if each.kind == "connection" else each.sync_id
    mails = [f"{mail.kind} to {mail.to}" for mail in each.mails if mail.sent_at]
    over = f", over {ago(each.closed_at)}" if each.closed_at else ""
    return _entry(
        plain(names.get(about, about)),
        plain(_CONNECTION_LOST if each.kind == HoldKind.CONNECTION else each.cause).append(
            f", since {ago(each.opened_at)}{over}"
        ),
        *(Text("mailed: ").append(plain(mail)) for mail in mails),
        *([Text("help: ").append(plain(each.help))] if each.help else []),
        whole(each.id),
    )


def _run(each: RunView) -> RenderableType:
    return _entry(
        _last_run(each).append(f" ({each.trigger})"),
        *(plain(said) for said in (each.summary,) if said),
        whole(f"{each.id} of {each.sync_id}"),
    )


def _title(text: str) -> Text:
    return Text(text, style="bold")


def _entry(first: Text, *more: Text) -> RenderableType:
    return Padding(Group(first, *(Padding(each, INDENT) for each in more)), INDENT)


def _sync_state(sync: SyncView) -> Text:
    shown = state(sync.status)
    if sync.status == SyncStatus.PAUSED and sync.hold:
        shown.append(" and ").append(state(SyncStatus.HELD))
    return shown.append(_why(sync.hold), style="default") if sync.hold else shown


def _why(hold: HoldView) -> str:
    because = f"{hold.kind} ({one_line(hold.cause)})"
    if hold.kind == HoldKind.CONNECTION:
        because = _CONNECTION_LOST
    return f": {because}, since {ago(hold.since)}"


def _next_run(sync: SyncView) -> Iterator[Text]:
    """Yield when it runs again; the slots of one that is held or paused pass without a run."""
    if again := runs_again(sync.status, _stopped_by(sync)):
        yield Text(f"next run: {again}")
    elif sync.status == SyncStatus.ACTIVE:
        yield Text(f"next run: {ago(sync.next_slot_at)}")


def _stopped_by(sync: SyncView) -> list[str]:
    """Return what words there are for the end of each of its holds."""
    return [NOT_GRANTED if each.lacks else each.kind for each in sync.holds]


def _gap(gap: Gap | None) -> Iterator[Text]:
    if gap is None:
        return
    when = ago(gap.from_)
    if gap.interrupted and not gap.slots_missed:
        yield Text(f"run cut short {when}", style="red")
    else:
        yield Text(f"{gap.slots_missed} missed since {when}", style="red")


def _last_run(run: RunView | None) -> Text:
    if run is None:
        return NOTHING
    when = ago(run.ended_at or run.started_at or run.requested_at)
    what = " checked everything" if run.check_everything else ""
    return state(run.status).append(f"{what} {when}: {counts(run.counts)}", style="default")
