"""Stored documents: read as they were written, and written byte for byte as they were."""

from datetime import UTC, datetime, timedelta
from math import inf
from typing import Any

import bson
import pytest
from bson.codec_options import CodecOptions
from tablesync.auth_service.consent.authorizations import Authorization
from tablesync.auth_service.grants.grant import Grant

NOW = datetime(2026, 3, 4, 5, 6, 7, 89_000, tzinfo=UTC)
LATER = NOW + timedelta(minutes=30)
SEALED = {"key_id": "k1", "nonce": b"n" * 12, "ciphertext": b"secret"}
OF_ALL_GRANTS = {
    "_id": "con_1",
    "workspace_id": "ws_1",
    "provider": "hubspot",
    "account": {"id": "7001", "name": "acme.example", "email": None},
    "version": 3,
    "live": True,
    "access_token": SEALED,
    "refresh_token": SEALED,
    "key_id": "k1",
    "obtained_at": NOW,
    "expires_at": LATER,
    "lifetime_seconds": 1_800,
    "refresh_expires_at": None,
}
IDLING = {**OF_ALL_GRANTS, "refresh_expires_at": LATER, "refresh_at": LATER}
OF_A_SHOP = {**IDLING, "host": "acme.shops.test", "endpoint": "https://acme.shops.test"}
LASTING = {
    **{name: OF_ALL_GRANTS[name] for name in OF_ALL_GRANTS if name != "refresh_token"},
    "expires_at": None,
    "lifetime_seconds": None,
}
OF_ALL_AUTHORIZATIONS = {
    "_id": "aut_1",
    "workspace_id": "ws_1",
    "operator_id": "op_1",
    "provider": "airtable",
    "connection_id": None,
    "by_link": False,
    "status": "pending",
    "created_at": NOW,
    "expires_at": LATER,
}
STARTED = {**OF_ALL_AUTHORIZATIONS, "state_digest": "s", "binding": "b", "verifier": SEALED}
ACCOUNTS = {"expected": {"id": "1", "name": "A"}, "found": {"id": "2", "name": "B"}}
REFUSED = {"finding": {"kind": "another_account", **ACCOUNTS, "message": "No."}}


def written(document: dict[str, Any]) -> dict[str, Any]:
    """Bring a document to the database and back."""
    return bson.decode(bson.encode(document), CodecOptions(tz_aware=True))


@pytest.mark.parametrize(
    "document",
    [
        OF_ALL_GRANTS,
        IDLING,
        {name: OF_ALL_GRANTS[name] for name in OF_ALL_GRANTS if name != "refresh_token"},
        {**IDLING, "intent": {"id": "i", "at": NOW, "given_up": False}},
        {**IDLING, "cooldown_until": LATER, "forced_at": NOW},
        OF_A_SHOP,
        LASTING,
    ],
)
def test_a_grant_is_written_as_it_was_read(document: dict[str, Any]) -> None:
    grant = Grant.from_document({**written(document), "now": NOW})

    assert bson.encode(grant.to_document()) == bson.encode(document)


@pytest.mark.parametrize(
    "document",
    [
        OF_ALL_AUTHORIZATIONS,
        STARTED,
        {**OF_ALL_AUTHORIZATIONS, "answered_state": "b", "superseded_states": ["a"]},
        {**OF_ALL_AUTHORIZATIONS, "by_link": True, "recipient_id": "op_1"},
        {**OF_ALL_AUTHORIZATIONS, "status": "refused", **REFUSED},
        {**OF_ALL_AUTHORIZATIONS, "finding": {"kind": "not_accepted", "message": "No."}},
        {**OF_ALL_AUTHORIZATIONS, "host": "acme.shops.test"},
    ],
)
def test_an_authorization_is_written_as_it_was_read(document: dict[str, Any]) -> None:
    attempt = Authorization.from_document(written(document))

    assert bson.encode(attempt.to_document()) == bson.encode(document)


def test_a_grant_tells_its_age_by_the_clock_that_it_was_read_with() -> None:
    row = {**IDLING, "intent": {"id": "i", "at": NOW}, "forced_at": NOW, "cooldown_until": LATER}
    grant = Grant.from_document({**row, "now": NOW + timedelta(seconds=90)})
    over = Grant.from_document({**row, "now": LATER + timedelta(seconds=1)})

    assert (grant.remaining_seconds, grant.fresh, over.remaining_seconds) == (1_710, True, -1)
    assert (grant.intent_age_seconds, grant.since_forced_seconds) == (90, 90)
    assert (grant.cooldown_seconds, over.cooldown_seconds) == (1_710, 0)
    assert (grant.refresh_token_over, over.refresh_token_over) == (False, True)


def test_a_token_that_never_ends_is_lent_for_an_hour_and_needs_no_refresh() -> None:
    lasting = Grant.from_document({**LASTING, "now": NOW})
    ending = Grant.from_document({**OF_ALL_GRANTS, "now": NOW})

    assert (lasting.fresh, lasting.refreshable, lasting.remaining_seconds) == (True, False, inf)
    assert (lasting.lent_until, ending.lent_until) == (NOW + timedelta(hours=1), LATER)


def test_what_cannot_be_refreshed_is_fresh_until_it_is_over() -> None:
    row = {name: OF_ALL_GRANTS[name] for name in OF_ALL_GRANTS if name != "refresh_token"}
    late, over = LATER - timedelta(seconds=1), LATER

    assert Grant.from_document({**row, "now": late}).fresh
    assert not Grant.from_document({**row, "now": over}).fresh
    assert not Grant.from_document({**OF_ALL_GRANTS, "now": late}).fresh


def test_what_an_older_service_did_not_write_is_read_as_nothing() -> None:
    optional = {"refresh_token", "key_id", "obtained_at", "refresh_expires_at"}
    row = {name: value for name, value in OF_ALL_GRANTS.items() if name not in optional}
    grant = Grant.from_document({**row, "now": NOW})

    assert (grant.refresh_token, grant.intent, grant.intent_age_seconds) == (None, None, None)
    assert (grant.cooldown_seconds, grant.since_forced_seconds) == (0, None)
    assert not grant.refresh_token_over
