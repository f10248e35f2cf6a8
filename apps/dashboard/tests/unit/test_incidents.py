"""Incidents in words: what was lost, why, and what became of each mail."""

import re
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dashboard_examples import like
from fastapi import Request
from pydantic import SecretStr
from tablesync.client import SessionToken, TableSync
from tablesync.contracts import RunFailureCause
from tablesync.contracts.public_api.connections import ConnectionName
from tablesync.contracts.public_api.incidents import (
    IncidentView,
    MailKind,
    MailPreview,
    MailStatus,
    MailView,
)
from tablesync.contracts.public_api.people import UserToken
from tablesync.contracts.public_api.syncs import HoldView, SyncView
from tablesync.dashboard.live.parts import Part
from tablesync.dashboard.pages.incidents import (
    FoundIncidents,
    IncidentPage,
    Names,
    list_parts,
    mail_parts,
    page_parts,
)
from tablesync.dashboard.shown.syncs import ShownSync
from tablesync.dashboard.shown.times import Clock
from tablesync.dashboard.shown.workspace.incidents import ShownIncident, mail_fate, mail_kind
from tablesync.dashboard.web.desk import Asked, PageContext
from tablesync.dashboard.web.rendering import Rendering
from tablesync.dashboard.web.visitors import Visitor

# One's own act and one that ends by itself open no incident.
QUIET = {RunFailureCause.CANCELLED, RunFailureCause.SHUTDOWN}


def test_a_lost_connection_is_named_with_its_cause() -> None:
    connection = ConnectionName(id="con_1", provider="hubspot", name="Nordlicht")
    shown = ShownIncident(like(IncidentView, cause="app_uninstalled"), connection)
    assert shown.title == "HubSpot, Nordlicht was lost"
    assert shown.cause == "The TableSync app was uninstalled at HubSpot."
    assert shown.badge.word == "Open"
    unknown = ShownIncident(like(IncidentView, status="closed"))
    assert (unknown.title, unknown.cause) == ("A connection was lost", "")
    assert unknown.badge.word == "Closed"


@pytest.mark.parametrize("cause", [each for each in RunFailureCause if each not in QUIET])
def test_each_cause_of_a_failing_sync_is_in_words(cause: RunFailureCause) -> None:
    shown = ShownIncident(like(IncidentView, kind="sync", cause=cause))
    assert shown.title == "A sync fails"
    assert shown.cause.endswith(".")


def test_an_incident_that_lasts_says_what_its_sync_says() -> None:
    """A full base is no table that is gone: the run knows which, and the base has a name."""
    base = "appFull0000000001"
    hold = HoldView(
        kind="resource",
        since=datetime.now(UTC),
        cause=f"Airtable adds no more rows to base {base}.",
        connection_id="con_2",
    )
    sync = like(SyncView, state="waiting", names={base: "Sales"}, hold=hold, holds=[hold])
    shown = ShownSync(sync, Clock(datetime.now(UTC), ZoneInfo("UTC")))
    names = Names({}, {sync.id: shown}, ())
    failing = like(IncidentView, kind="sync", cause="resource", sync_id=sync.id)

    assert names.of(failing).cause == "Airtable adds no more rows to base “Sales”."
    assert shown.badge.tone == "warn", "it does not come back by itself"
    over = failing.model_copy(update={"status": "closed"})
    assert "gone, full or refused" in names.of(over).cause


@pytest.mark.parametrize("kind", MailKind)
def test_each_mail_has_a_name(kind: MailKind) -> None:
    assert mail_kind(like(MailView, kind=kind)) in {
        "Mail about the loss",
        "Reminder",
        "All clear",
        "Mail about the failure",
        "Invitation",
    }


@pytest.mark.parametrize("status", MailStatus)
def test_what_became_of_each_mail_is_in_words(status: MailStatus) -> None:
    assert "sent" in mail_fate(like(MailView, status=status))
    waiting = like(MailView, status=status, waits_for="the mail server")
    assert mail_fate(waiting).endswith(": waits for the mail server")


def test_what_a_newer_service_names_is_shown_as_it_is() -> None:
    assert mail_kind(like(MailView, kind="of_tomorrow")) == "Of tomorrow"
    assert mail_fate(like(MailView, status="of_tomorrow")) == "of tomorrow"
    assert ShownIncident(like(IncidentView, kind="sync", cause="of-tomorrow")).cause == ""


def test_a_sync_that_fails_is_named_where_anybody_tells_its_name() -> None:
    failing = like(IncidentView, kind="sync", sync_id="syn_1", cause="mapping")
    assert ShownIncident(failing, sync_name="Deals").title == "Deals fails"
    assert ShownIncident(failing).title == "A sync fails"


SESSION = SecretStr("session")
VISITOR = Visitor(TableSync({}, SessionToken(SESSION)), like(UserToken), SESSION)
CLOCK = Clock(datetime(2026, 11, 28, 12, tzinfo=UTC), ZoneInfo("UTC"))
ASKED = Asked(Request({"type": "http"}), VISITOR, "ws_1", CLOCK)
DESK: Any = SimpleNamespace(
    context=lambda asked: PageContext(
        asked, may_operate=True, may_administer=False, csrf="", once=""
    ),
    rendering=Rendering("test"),
)
OPEN, CLOSED = like(IncidentView), like(IncidentView, status="closed")


def is_at_its_place(part: Part) -> bool:
    found = re.search(r'id="([\w-]+)"[^>]* data-version="(\w+)"', part.html())
    return bool(found and found.groups() == (part.id, part.version))


def found_list(*incidents: IncidentView, silent: tuple[str, ...] = ()) -> FoundIncidents:
    return FoundIncidents([ShownIncident(each) for each in incidents], silent, None)


def test_an_incident_that_is_closed_and_a_mail_that_is_sent_are_told_to_their_pages() -> None:
    (before,), (after,) = (
        page_parts(DESK, ASKED, IncidentPage(ShownIncident(each), ())) for each in (OPEN, CLOSED)
    )
    assert is_at_its_place(after)
    assert before.version != after.version
    unsent, sent = like(MailPreview, as_sent=False), like(MailPreview, as_sent=True)
    (before,), (after,) = (mail_parts(DESK, ASKED, each, "inc_1") for each in (unsent, sent))
    assert is_at_its_place(after)
    assert before.version != after.version
    assert "As it was sent" in after.html()


def test_incidents_of_the_list_change_in_their_rows_and_another_one_is_a_hint() -> None:
    had = found_list(OPEN)
    row, order = list_parts(DESK, ASKED, had, (), had.order)
    assert is_at_its_place(row)
    assert order.version == "same"
    other, _ = list_parts(DESK, ASKED, found_list(CLOSED), (), had.order)
    assert (other.id, other.version != row.version) == (row.id, True)
    fits_no_more = list_parts(DESK, ASKED, found_list(), [ShownIncident(CLOSED)], had.order)
    assert [each.version for each in fits_no_more] == [other.version, "other"]
    nameless = list_parts(DESK, ASKED, found_list(OPEN, silent=("auth-service",)), (), had.order)
    assert [(each.id, each.version) for each in nameless] == [(row.id, ""), (order.id, "")]
