"""The audit chain's hash covers everything in an entry."""

import pytest
from tablesync.auth_service.audit import GENESIS, entry_hash

ENTRY = {
    "workspace_id": "ws_1",
    "number": 1,
    "at": "2026-01-01T00:00:00.000Z",
    "actor": "op_1",
    "action": "connection.revoked",
    "subject": "con_1",
    "detail": {"cause": "operator"},
    "previous": GENESIS,
}


@pytest.mark.parametrize("field", ENTRY)
def test_a_change_of_any_field_changes_the_hash(field: str) -> None:
    assert entry_hash({**ENTRY, field: "changed"}) != entry_hash(ENTRY)


def test_stored_extras_do_not_matter() -> None:
    assert entry_hash({**ENTRY, "_id": "ws_1/1", "hash": "x"}) == entry_hash(ENTRY)
