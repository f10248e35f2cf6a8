"""Examples of every body, for `/openapi.json`."""

from pydantic.config import JsonDict

SYNC_ID = "syn_01997f2c-0e1b-7d24-b3a5-7c4e9a1d5f04"
RUN_ID = "run_01997f2d-5f6a-7e35-84c6-9d5fab2e6a05"
_HUBSPOT = "con_01997f2b-91aa-7c13-a6e4-5d2b8f0c3e03"
_AIRTABLE = "con_01997f2b-a4c7-7e01-8c39-4f7d2a9b6c11"

DESTINATION: JsonDict = {
    "connection_id": _AIRTABLE,
    "base_id": "appAcme0000000001",
    "table_id": "tblContacts000001",
}
KEY: JsonDict = {"source": "id", "field_id": "fldHubSpotId00001"}
MAPPING: JsonDict = {"source": "email", "field_id": "fldEmail000000001"}
NEW_SOURCE: JsonDict = {"connection_id": _HUBSPOT, "object": "contacts"}
NEW_SYNC: JsonDict = {
    "name": "Contacts",
    "source": NEW_SOURCE,
    "destination": DESTINATION,
    "key": KEY,
    "mapping": [MAPPING],
    "schedule": {"every_seconds": 600},
    "overlap": "coalesce",
}
SYNC_EDIT: JsonDict = {"schedule": {"every_seconds": 900}, "overlap": "skip"}
HOLD: JsonDict = {
    "kind": "connection",
    "connection_id": _HUBSPOT,
    "cause": "app_uninstalled",
    "since": "2026-11-22T09:52:41.803Z",
}
OPEN_GAP: JsonDict = {
    "from": "2026-11-22T09:50:00.000Z",
    "to": None,
    "slots_missed": 3,
    "interrupted": True,
}
CLOSED_GAP: JsonDict = {**OPEN_GAP, "to": "2026-11-22T10:20:03.117Z"}
RUN: JsonDict = {
    "id": RUN_ID,
    "sync_id": SYNC_ID,
    "trigger": "catch_up",
    "slot": None,
    "status": "succeeded",
    "counts": {"read": 1200, "written": 40, "unchanged": 1160, "rejected": 0},
    "cause": None,
    "summary": "40 records were written.",
    "gap": CLOSED_GAP,
    "requested_at": "2026-11-22T10:20:03.117Z",
    "started_at": "2026-11-22T10:20:03.560Z",
    "ended_at": "2026-11-22T10:20:31.204Z",
    "coalesced_slots": 0,
    "check_everything": False,
    "found": None,
}
CHECK: JsonDict = {
    **RUN,
    "trigger": "manual",
    "counts": {"read": 1204, "written": 6, "unchanged": 1198, "rejected": 0},
    "summary": "Checked 1,204 records: 3 rows were missing and written again, "
    "2 were changed by hand and corrected, 1 is gone at the source.",
    "gap": None,
    "check_everything": True,
    "found": {
        "checked": 1204,
        "missing": 3,
        "altered": 2,
        "outdated": 0,
        "gone": 1,
        "returned": 0,
    },
}
INTERRUPTED_RUN: JsonDict = {
    **RUN,
    "trigger": "schedule",
    "slot": "2026-11-22T09:50:00.000Z",
    "status": "interrupted",
    "counts": {"read": 700, "written": 690, "unchanged": 10, "rejected": 0},
    "cause": "connection",
    "summary": "Access to the account was lost.",
    "gap": None,
    "requested_at": "2026-11-22T09:50:00.102Z",
    "started_at": "2026-11-22T09:50:00.214Z",
    "ended_at": "2026-11-22T09:52:42.010Z",
}
HELD_SYNC: JsonDict = {
    **NEW_SYNC,
    "id": SYNC_ID,
    "version": 1,
    "source": {**NEW_SOURCE, "provider": "hubspot"},
    "names": {
        "appAcme0000000001": "CRM",
        "tblContacts000001": "Contacts",
        "fldHubSpotId00001": "HubSpot ID",
        "fldEmail000000001": "E-mail",
    },
    "writes": [{"field": "HubSpot ID", **KEY}, {"field": "E-mail", **MAPPING}],
    "status": "held",
    "paused": False,
    "hold": HOLD,
    "holds": [HOLD],
    "gap": OPEN_GAP,
    "next_slot_at": None,
    "last_run": INTERRUPTED_RUN,
    "created_at": "2026-11-20T08:00:00.000Z",
}
LEDGER: JsonDict = {
    "due": 299,
    "run": 296,
    "coalesced": 0,
    "skipped": 0,
    "held": 3,
    "paused": 0,
    "balanced": True,
    "as_of": "2026-11-22T10:19:59.999Z",
    "gaps": [{**CLOSED_GAP, "hold": HOLD, "catch_up_run_id": RUN_ID}],
}
