"""Among thousands of grants, the ticker reads those that it has something to do for."""

from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from pydantic import SecretStr
from tablesync.auth_service import store
from tablesync.auth_service.connections import Connection
from tablesync.auth_service.grants.grants import Grants
from tablesync.auth_service.keyring import Keyring
from tablesync.auth_service.providers.base import TokenSet
from tablesync.auth_service.settings import NAME
from tablesync.contracts import Account, ConnectionStatus, Provider
from tablesync.local_stack.keys import ServiceKeys
from tablesync.service_kit import mongo
from tablesync.service_kit.mongo import Database, Document
from tablesync.service_kit.mongo.indexes import ensure_indexes
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork
from tablesync.test_kit.query_plans import QueryPlans

NOW = datetime.now(UTC)
# Hours may pass between the import of this file and its tests.
PAST, LATER = NOW - timedelta(days=1), NOW + timedelta(days=1)
IDLE: Document = {"refresh_at": PAST}
TORN: Document = {"intent": {"id": "torn", "at": PAST, "given_up": True}}
TRIED: Document = {"retry_at": LATER}
OVER: Document = {"retry_at": PAST}
LIMIT = 100


@pytest.fixture
def keyring(service_keys: ServiceKeys) -> Keyring:
    return Keyring.from_file(service_keys.encryption_keys_file)


@pytest_asyncio.fixture
async def own(mongodb_uri: str, database_prefix: str) -> AsyncIterator[Database]:
    """A database of this test's own, with the indexes of auth-service."""
    client = mongo.connect(mongodb_uri)
    database = mongo.open_database(client, f"{database_prefix}auth")
    await ensure_indexes(database, store.INDEXES)
    yield database
    client.close()


@pytest.fixture
def grants(own: Database, keyring: Keyring) -> Grants:
    return Grants(own, keyring)


async def add(own: Database, grants: Grants, name: str, changes: Document) -> str:
    """Store a grant that lives, with something changed; return its id."""
    made = Connection(
        id=f"con_{name}",
        workspace_id="ws_1",
        provider=Provider.AIRTABLE,
        account=Account(id="usr1", name="Ada"),
        grant_version=1,
        status=ConnectionStatus.CONNECTED,
        owner_id="op_1",
        changed_at=NOW,
    )
    tokens = TokenSet(SecretStr("access"), SecretStr("refresh"), expires_in=3_600)

    async def work(unit: UnitOfWork) -> None:
        await grants.replace(unit, made, tokens, idle_seconds=86_400)

    await UnitsOfWork(own, NAME).run(work)
    await own["grants"].update_one({"_id": made.id}, {"$set": changes})
    return made.id


async def faults(
    mongodb_uri: str, prefix: str, ask: Callable[[], Coroutine[Any, Any, object]]
) -> list[str]:
    """Return which queries read too much, were there hundreds of each grant."""
    with QueryPlans(mongodb_uri, prefix) as plans:
        await ask()
        asked = plans.asked()
        assert asked
        return plans.faults(asked)


@pytest.mark.parametrize(
    "changes",
    [
        {**IDLE, **TRIED},
        {**TORN, **TRIED},
        {**IDLE, **TORN, **TRIED},
        {**IDLE, **OVER, "live": False},
        {"refresh_at": LATER},
    ],
    ids=["idle", "torn", "both", "dead", "healthy"],
)
async def test_a_claim_reads_no_grant_whose_turn_it_is_not(
    own: Database,
    grants: Grants,
    mongodb_uri: str,
    database_prefix: str,
    changes: Document,
) -> None:
    for number in range(20):
        await add(own, grants, str(number), changes)

    assert await faults(mongodb_uri, database_prefix, lambda: grants.claim_due(LIMIT)) == []
    assert await grants.claim_due(LIMIT) == {}


async def test_a_claim_reads_no_grant_whose_provider_is_left_alone(
    own: Database, grants: Grants, mongodb_uri: str, database_prefix: str
) -> None:
    for number in range(20):
        grant = await grants.get(await add(own, grants, str(number), IDLE))
        assert grant is not None
        assert await grants.cool_down(grant, 3_600)

    assert await faults(mongodb_uri, database_prefix, lambda: grants.claim_due(LIMIT)) == []
    assert await grants.claim_due(LIMIT) == {}


async def test_those_never_tried_are_claimed_first_and_then_those_tried_longest_ago(
    own: Database, grants: Grants
) -> None:
    lately = {"retry_at": PAST + timedelta(minutes=1)}
    for name, changes in (
        ("b", {**IDLE, **lately}),
        ("a", {**TORN, **OVER}),
        ("d", TORN),
        ("healthy", {"refresh_at": LATER}),
        ("tried", {**IDLE, **TRIED}),
    ):
        await add(own, grants, name, changes)

    assert [*await grants.claim_due(2)] == ["con_d", "con_a"]
    assert [*await grants.claim_due(2)] == ["con_b"]
    assert await grants.claim_due(2) == {}


async def test_what_needs_no_refresh_any_more_is_looked_at_once(
    own: Database, grants: Grants
) -> None:
    settled = await add(own, grants, "settled", {"refresh_at": LATER, **OVER})

    assert await grants.claim_due(LIMIT) == {}

    grant = await own["grants"].find_one({"_id": settled})
    assert grant is not None
    assert "retry_at" not in grant


@pytest.mark.parametrize("retry_at", [None, "2026-11-26T10:00:00Z", 17, ...], ids=repr)
async def test_p29_a_grant_whose_next_try_is_at_no_moment_is_tried(
    own: Database, grants: Grants, retry_at: object
) -> None:
    odd = {} if retry_at is ... else {"retry_at": retry_at}
    bad, good = await add(own, grants, "bad", {**IDLE, **odd}), await add(own, grants, "good", IDLE)

    assert {*await grants.claim_due(LIMIT)} == {bad, good}
    assert await grants.claim_due(LIMIT) == {}, "each once a minute"


@pytest.mark.parametrize("key", [{"key_id": "before"}, {"key_id": None}], ids=["named", "unnamed"])
async def test_a_page_to_reseal_reads_no_more_than_it_returns(
    own: Database, grants: Grants, mongodb_uri: str, database_prefix: str, key: Document
) -> None:
    for number in range(10):
        await add(own, grants, f"moved-{number}", {})
        await add(own, grants, f"not-yet-{number}", key)
    other = await add(own, grants, "of-another-key", {"key_id": "long ago"})

    async def page() -> None:
        found = await grants.under_other_keys("", LIMIT)
        assert found == [*(f"con_not-yet-{number}" for number in range(10)), other]
        assert await grants.under_other_keys(found[4], 2) == found[5:7]
        assert await grants.count_under_other_keys() == 11

    assert await faults(mongodb_uri, database_prefix, page) == []
