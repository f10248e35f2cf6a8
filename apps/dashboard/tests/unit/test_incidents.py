"""Incidents in words: what was lost, why, and what became of each mail."""

import pytest
from dashboard_examples import like
from tablesync.contracts import RunFailureCause
from tablesync.contracts.public_api.connections import ConnectionName
from tablesync.contracts.public_api.incidents import IncidentView, MailKind, MailStatus, MailView
from tablesync.dashboard.shown.workspace.incidents import ShownIncident, mail_fate, mail_kind

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
