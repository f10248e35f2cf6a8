"""What is stored: byte for byte what it has always been, and read also where members lack."""

from datetime import UTC, datetime
from typing import Any

import bson
import pytest
from tablesync.contracts.public_api.incidents import IncidentStatus
from tablesync.notifier.mail.plan import Mail, PlannedMail
from tablesync.notifier.models import (
    CatchUpEnd,
    ConnectionIncident,
    HoldState,
    KnownConnection,
    Stored,
    SyncIncident,
    incident_from_document,
)
from tablesync.notifier.preferences import Preference

pytestmark = pytest.mark.unit
NOW = datetime(2026, 11, 22, 19, 30, tzinfo=UTC)

CONNECTION_INCIDENT = {
    "_id": "inc_1",
    "key": "con_1/1795341161803",
    "open_key": "con_1",
    "kind": "connection",
    "workspace_id": "ws_1",
    "connection_id": "con_1",
    "provider": "hubspot",
    "account": {"id": "7001", "name": "Acme", "email": None},
    "owner_id": "op_1",
    "cause": "app_uninstalled",
    "lost_at": NOW,
    "status": "open",
    "opened_at": NOW,
    "closed_at": None,
}
SYNC_INCIDENT = {
    "_id": "inc_2",
    "key": "syn_1/mapping/run_1",
    "open_key": "syn_1/mapping",
    "kind": "sync",
    "workspace_id": "ws_1",
    "sync_id": "syn_1",
    "connection_id": None,
    "cause": "mapping",
    "summary": "No field.",
    "last_failed_at": NOW,
    "status": "open",
    "opened_at": NOW,
    "closed_at": None,
}
CONNECTION = {
    "_id": "con_1",
    "workspace_id": "ws_1",
    "provider": "hubspot",
    "status": "revoked",
    "sequence": 1_795_341_161_803,
    "planned": False,
    "grant_version": 3,
}
HOLD = {
    "_id": "syn_1",
    "workspace_id": "ws_1",
    "name": "Contacts",
    "sequence": 7,
    "held": True,
    "hold": {
        "kind": "connection",
        "connection_id": "con_1",
        "cause": "app_uninstalled",
        "since": NOW,
    },
    "gap": {"from": NOW, "to": None, "slots_missed": 2, "interrupted": True},
    "catch_up_run_id": None,
}
CATCH_UP = {
    "_id": "run_1",
    "sync_id": "syn_1",
    "status": "succeeded",
    "counts": {"read": 3, "written": 2, "unchanged": 1, "rejected": 0},
    "received_at": NOW,
}
PREFERENCE = {"_id": "ws_1/op_1", "mails": False, "changed_at": NOW}
PLANNED_MAIL = {
    "incident_ids": ["inc_2"],
    "workspace_id": "ws_1",
    "about": "sync",
    "kind": "recovery",
    "step": 0,
    "digest": False,
    "status": "pending",
    "due_at": NOW,
    "created_at": NOW,
    "fence": 0,
    "attempts": 0,
    "handovers": 0,
    "refused": [],
    "traceparent": None,
    "to": {"operator_id": "op_1", "email": "ada@acme.test", "name": "Ada"},
}


@pytest.mark.parametrize(
    ("model", "document"),
    [
        (ConnectionIncident, CONNECTION_INCIDENT),
        (SyncIncident, SYNC_INCIDENT),
        (KnownConnection, CONNECTION),
        (HoldState, HOLD),
        (CatchUpEnd, CATCH_UP),
        (Preference, PREFERENCE),
        (PlannedMail, PLANNED_MAIL),
    ],
)
def test_what_is_stored_stays_byte_for_byte_what_it_is(
    model: type[Stored], document: dict[str, Any]
) -> None:
    assert bson.encode(model.from_document(document).to_document()) == bson.encode(document)


def test_a_connection_of_an_earlier_version_is_read_with_no_grant_version() -> None:
    earlier = {name: each for name, each in CONNECTION.items() if name != "grant_version"}
    assert KnownConnection.from_document(earlier).grant_version == 0


@pytest.mark.parametrize("document", [CONNECTION_INCIDENT, SYNC_INCIDENT])
def test_a_closed_incident_of_another_version_is_read(document: dict[str, Any]) -> None:
    closed = {"status": "closed", "closed_at": NOW, "mailed_at": NOW, "cause": "moon_phase"}
    stored = {name: each for name, each in document.items() if name != "open_key"} | closed
    incident = incident_from_document(stored)
    assert incident.kind == document["kind"]
    assert (incident.status, incident.closed_at) == (IncidentStatus.CLOSED, NOW)
    assert (incident.open_key, incident.cause) == (None, "moon_phase")


def test_a_gap_from_before_interruptions_were_told_is_read() -> None:
    gap = {"from": NOW, "to": NOW, "slots_missed": 2}
    assert not HoldState.from_document(HOLD | {"gap": gap}).gap.interrupted


def test_a_mail_tells_what_became_of_it_once_something_has() -> None:
    planned = Mail.from_document({"_id": "inc_2/recovery", **PLANNED_MAIL})
    assert planned.id == "inc_2/recovery"
    assert (planned.message_id, planned.sent_at, planned.waits_for) == (None, None, None)
    sent = Mail.from_document(PLANNED_MAIL | {"message_id": "<1@x>", "sent_at": NOW})
    assert (sent.message_id, sent.sent_at) == ("<1@x>", NOW)
