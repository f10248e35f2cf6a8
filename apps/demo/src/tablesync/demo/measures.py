"""Turns what the story left behind into the report and the picture's bars."""

from datetime import datetime
from typing import Any, Literal

from tablesync.contracts import ConnectionReconnected, ConnectionRevoked
from tablesync.demo.report import Mails, Report
from tablesync.demo.story import Story, mails_of
from tablesync.demo.timeline import Bar, Timeline
from tablesync.demo.watch import Watch


async def measure(
    story: Story, watch: Watch, timeline: Timeline, broker: Literal["kafka", "embedded"]
) -> Report:
    """Read ground truth and histories, and return the report."""
    counters = await story.sandbox.counters()
    lost, regained = _grants(counters["hubspot"]["grants"])
    runs = {name: await story.runs(sync) for name, sync in story.syncs.items()}
    catch_ups = {
        name: [r for r in all_ if r["trigger"] == "catch_up"] for name, all_ in runs.items()
    }
    reconnected = watch.of(ConnectionReconnected)[0].event
    assert isinstance(reconnected, ConnectionReconnected)
    first_401 = lost["first_401_at"]
    return Report(
        broker=broker,
        records=story.totals,
        edited=story.edited,
        tables_equal=all(each.equal for each in story.comparisons.values()),
        rejected=sum(run["counts"]["rejected"] for all_ in runs.values() for run in all_),
        revoked_to_held_ms=round(watch.last_held_ms() - first_401, 1),
        # The refused call itself came a moment before its answer.
        revoked_to_last_call_ms=round(max(0.0, lost["last_call_at"] - first_401), 1),
        reconnected_to_first_request_ms=round(
            regained["first_call_at"] - reconnected.changed_at.timestamp() * 1000, 1
        ),
        missed_slots=sum(
            (run["gap"] or {}).get("slots_missed", 0) for all_ in catch_ups.values() for run in all_
        ),
        catch_up_runs=sum(len(all_) for all_ in catch_ups.values()),
        catch_up_runs_by_sync={name: len(all_) for name, all_ in catch_ups.items()},
        mails=await _mails(story),
        rate_violations=sum(counters[each]["rate_violations"] for each in ("hubspot", "airtable")),
        duplicates=counters["airtable"]["duplicates"]
        + sum(len(each.doubled) for each in story.comparisons.values()),
        interrupted_runs=sum(
            run["status"] == "interrupted" and run["counts"]["read"] > 0
            for all_ in runs.values()
            for run in all_
        ),
        failed_runs=sum(run["status"] == "failed" for all_ in runs.values() for run in all_),
        other_portal_refused=story.refused,
        seconds=round(timeline.seconds(timeline.moments[-1].at_ms), 1),
    )


async def _mails(story: Story) -> Mails:
    """Count all that lies in the mailbox."""
    told = {kind: len(await mails_of(story.sandbox, kind)) for kind in ("revocation", "recovery")}
    return Mails(**told, other=len(await story.sandbox.messages()) - sum(told.values()))


async def lay_out(story: Story, watch: Watch, timeline: Timeline) -> None:
    """Add the connection's and the syncs' bars to the timeline."""
    end = timeline.moments[-1].at_ms
    revoked = _arrived(watch, ConnectionRevoked, end)
    regained = _arrived(watch, ConnectionReconnected, end)
    lane = "HubSpot connection"
    timeline.bars += [
        Bar(lane, "connected", timeline.moments[0].at_ms, revoked, "Connected"),
        Bar(lane, "revoked", revoked, regained, "Disconnected"),
        Bar(lane, "connected", regained, end, "Connected"),
    ]
    for name, sync in story.syncs.items():
        timeline.bars.append(Bar(name, "held", revoked, regained, "held: nothing runs"))
        timeline.bars += [
            _run_bar(name, run)
            for run in await story.runs(sync)
            if run["started_at"] and run["ended_at"]
        ]


def _grants(grants: dict[str, dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the grant that was lost and the one that followed it."""
    used = [each for each in grants.values() if each.get("first_call_at")]
    lost = next(each for each in used if each.get("first_401_at"))
    later = [each for each in used if each["first_call_at"] > lost["first_401_at"]]
    return lost, min(later, key=lambda each: float(each["first_call_at"]))


def _arrived(
    watch: Watch, kind: type[ConnectionRevoked | ConnectionReconnected], otherwise: float
) -> float:
    return next((each.at_ms for each in watch.of(kind)), otherwise)


def _run_bar(lane: str, run: dict[str, Any]) -> Bar:
    label = f"{run['counts']['written']} written" if run["counts"]["written"] else ""
    if run["trigger"] == "catch_up":
        label = f"catch-up: {label}" if label else "catch-up"
    kind = "interrupted" if run["status"] == "interrupted" else run["trigger"]
    return Bar(lane, kind, _ms(run["started_at"]), _ms(run["ended_at"]), label)


def _ms(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp() * 1000
