"""P06: exactly the syncs that need a scope or base that a consent left out are held, at once."""

import httpx
import pytest
from scheduler_examples import AIRTABLE, HUBSPOT, a_state
from scheduler_http import Json
from scheduler_rig import Rig
from tablesync.contracts import (
    ConnectionReconnected,
    Destination,
    HoldKind,
    Provider,
    RunFailureCause,
    Source,
    SyncHeld,
    SyncReleased,
    SyncStatus,
)
from tablesync.contracts.permissions import required_scopes
from tablesync.scheduler.domain.syncs import Sync
from tablesync.scheduler.loops.hold_jobs import CHUNK
from tablesync.scheduler.loops.rechecks import Rechecks
from tablesync.scheduler.loops.reconciliation import Reconciliation
from tablesync.test_kit.stand_ins import AuthServiceStandIn, SyncRunnerStandIn

pytestmark = pytest.mark.integration

HUBSPOT_SCOPES = required_scopes(Provider.HUBSPOT)
AIRTABLE_SCOPES = required_scopes(Provider.AIRTABLE)
DEALS = "crm.objects.deals.read"
NO_DEALS = tuple(each for each in HUBSPOT_SCOPES if each != DEALS)
OF_DEALS = Source(connection_id=HUBSPOT, provider=Provider.HUBSPOT, object="deals")
ACME, OTHER = "appAcme0000000001", "appOther000000001"


def to_base(base_id: str) -> Destination:
    return Destination(connection_id=AIRTABLE, base_id=base_id, table_id="tblContacts000001")


async def statuses(rig: Rig, *syncs: Sync) -> list[SyncStatus]:
    return [(await rig.sync(each)).status for each in syncs]


async def test_p06_a_scope_left_out_holds_exactly_the_syncs_that_need_it_before_any_run(
    rig: Rig,
) -> None:
    contacts = await rig.add(due_seconds_ago=0)
    deals = await rig.add(due_seconds_ago=0, source=OF_DEALS)
    await rig.reconnect(scopes=NO_DEALS)

    await rig.ticker.tick()  # due before the job that marks all syncs has come by
    await rig.jobs.tick()

    assert await rig.requests(deals) == []
    assert len(await rig.requests(contacts)) == 1
    assert await statuses(rig, contacts, deals) == [SyncStatus.ACTIVE, SyncStatus.HELD]
    hold = await rig.hold_of(deals)
    assert (hold.kind, hold.connection_id, hold.lacks) == (HoldKind.RESOURCE, HUBSPOT, (DEALS,))
    assert hold.cause == (
        "TableSync was not allowed to read deals at HubSpot (crm.objects.deals.read): "
        "reconnect HubSpot and allow it."
    )
    (held,) = await rig.events(SyncHeld)
    assert (held.sync_id, held.hold) == (deals.id, hold)


async def test_p06_a_scope_that_is_allowed_again_releases_them_with_one_catch_up(rig: Rig) -> None:
    deals = await rig.add(due_seconds_ago=0, source=OF_DEALS)
    await rig.release(scopes=NO_DEALS)
    await rig.pass_time(3 * 3600)

    await rig.release(scopes=HUBSPOT_SCOPES)
    await rig.release(scopes=HUBSPOT_SCOPES)

    assert await statuses(rig, deals) == [SyncStatus.ACTIVE]
    (catch_up,) = await rig.catch_ups(deals)
    assert catch_up.gap
    assert catch_up.gap.slots_missed == 4
    (released,) = await rig.events(SyncReleased)
    assert released.hold.lacks == (DEALS,)
    assert (await rig.ledger(deals)).balanced


async def test_p06_schemas_that_are_not_shown_hold_up_no_sync(rig: Rig) -> None:
    """HubSpot shows an object's properties to whoever may read its records."""
    sync = await rig.add()
    await rig.release(scopes=tuple(each for each in HUBSPOT_SCOPES if "schemas" not in each))
    assert await statuses(rig, sync) == [SyncStatus.ACTIVE]


async def test_p06_a_base_left_out_holds_the_syncs_to_it_and_is_named(rig: Rig) -> None:
    names = {ACME: "Acme deals"}
    left_out = await rig.add(due_seconds_ago=0, destination=to_base(ACME), names=names)
    nameless = await rig.add(due_seconds_ago=0, destination=to_base(ACME))
    chosen = await rig.add(due_seconds_ago=0, destination=to_base(OTHER))
    await rig.reconnect(AIRTABLE, scopes=AIRTABLE_SCOPES, resources=(OTHER,))
    await rig.ticker.tick()
    await rig.jobs.tick()

    assert await rig.requests(left_out) == await rig.requests(nameless) == []
    assert len(await rig.requests(chosen)) == 1
    hold = await rig.hold_of(left_out)
    assert hold.lacks == (ACME,)
    assert 'The base "Acme deals" (appAcme0000000001) was not chosen' in hold.cause
    assert "reconnect Airtable and choose it too" in hold.cause
    assert f"The base {ACME} was not chosen" in (await rig.hold_of(nameless)).cause

    await rig.release(AIRTABLE, scopes=AIRTABLE_SCOPES, resources=(ACME, OTHER))
    assert await statuses(rig, left_out, nameless, chosen) == [SyncStatus.ACTIVE] * 3


async def test_p06_a_hold_tells_what_is_lacking_now(rig: Rig) -> None:
    sync = await rig.add(destination=to_base(ACME))
    less = tuple(each for each in AIRTABLE_SCOPES if each != "data.records:write")
    await rig.release(AIRTABLE, scopes=less, resources=())
    assert (await rig.hold_of(sync)).lacks == ("data.records:write", ACME)
    await rig.release(AIRTABLE, scopes=AIRTABLE_SCOPES, resources=())
    assert (await rig.hold_of(sync)).lacks == (ACME,)
    assert [each.hold.lacks for each in await rig.events(SyncHeld)] == [
        ("data.records:write", ACME),
        (ACME,),
    ]


async def test_p06_a_loss_and_a_lack_of_one_connection_are_two_holds_and_one_gap(rig: Rig) -> None:
    deals = await rig.add(due_seconds_ago=-10, source=OF_DEALS)
    await rig.hold()
    await rig.release(scopes=NO_DEALS)
    (hold,) = (await rig.sync(deals)).holds
    assert hold.lacks == (DEALS,)
    await rig.hold()
    assert [each.kind for each in (await rig.sync(deals)).stopped_by] == ["connection", "resource"]
    await rig.pass_time(3600)
    await rig.release(scopes=HUBSPOT_SCOPES)
    assert await statuses(rig, deals) == [SyncStatus.ACTIVE]
    assert len(await rig.catch_ups(deals)) == 1


async def test_p06_a_lack_is_told_whatever_else_holds_the_sync(rig: Rig) -> None:
    """A saved mapping would end the one hold alone: the person has to reconnect as well."""
    deals = await rig.add(due_seconds_ago=0, source=OF_DEALS)
    await rig.ticker.tick()
    (run,) = await rig.runs(deals)
    await rig.fail(run, RunFailureCause.MAPPING)
    await rig.release(scopes=NO_DEALS)
    await rig.release(scopes=HUBSPOT_SCOPES)
    told = [(each.hold.kind, each.hold.lacks) for each in await rig.events(SyncHeld)]
    assert told == [("mapping", ()), ("resource", (DEALS,)), ("mapping", ())]


@pytest.mark.parametrize("newer_first", [True, False])
async def test_p06_states_out_of_order_and_again_leave_what_the_newest_says(
    rig: Rig, newer_first: bool
) -> None:
    deals = await rig.add(source=OF_DEALS)
    lacking = a_state(ConnectionReconnected, 5, scopes=NO_DEALS)
    whole = a_state(ConnectionReconnected, 6, scopes=HUBSPOT_SCOPES)
    order = [whole, lacking] if newer_first else [lacking, whole, lacking]
    for event in (*order, *order):
        await rig.handle(event)
        await rig.jobs.tick()
    assert await statuses(rig, deals) == [SyncStatus.ACTIVE]


async def test_p06_what_is_not_known_of_a_grant_holds_and_releases_nothing(rig: Rig) -> None:
    clear, deals = await rig.add(), await rig.add(source=OF_DEALS)
    await rig.release(scopes=NO_DEALS)
    await rig.release()
    await rig.release(AIRTABLE)
    assert await statuses(rig, clear, deals) == [SyncStatus.ACTIVE, SyncStatus.HELD]
    assert (await rig.hold_of(deals)).lacks == (DEALS,)


async def test_p06_a_lack_whose_event_was_lost_is_found_by_asking(
    rig: Rig, reconciliation: Reconciliation, auth_service: AuthServiceStandIn
) -> None:
    deals = await rig.add(source=OF_DEALS)
    auth_service.know(a_state(ConnectionReconnected, 5, scopes=NO_DEALS))
    await reconciliation.connections()
    await rig.jobs.tick()
    assert await statuses(rig, deals) == [SyncStatus.HELD]


async def test_p06_thousands_are_held_and_released_in_chunks(rig: Rig) -> None:
    """Claims respect the state from the first moment, however far the job has come."""
    many = 2 * CHUNK + 1
    deals = await rig.add_many(many, due_seconds_ago=0, source=OF_DEALS)
    await rig.reconnect(scopes=NO_DEALS)
    await rig.jobs.work_chunk(HUBSPOT)
    held = {"holds.lacks": DEALS}
    assert await rig.database["syncs"].count_documents(held) == CHUNK
    await rig.ticker.tick()
    assert await rig.database["syncs"].count_documents(held) == many
    await rig.jobs.tick()
    assert await rig.database["runs"].count_documents({}) == 0

    await rig.release(scopes=HUBSPOT_SCOPES)
    assert await rig.database["syncs"].count_documents({"holds": []}) == many
    assert len(await rig.catch_ups(deals[-1])) == 1


async def test_p06_a_run_that_meets_the_lack_first_is_no_second_hold(rig: Rig) -> None:
    sync = await rig.add(due_seconds_ago=0, destination=to_base(ACME))
    await rig.ticker.tick()
    (run,) = await rig.runs(sync)
    await rig.fail(run, RunFailureCause.RESOURCE, connection_id=AIRTABLE)
    await rig.release(AIRTABLE, scopes=AIRTABLE_SCOPES, resources=(OTHER,))
    (hold,) = (await rig.sync(sync)).holds
    assert hold.lacks == (ACME,)
    await rig.release(AIRTABLE, scopes=AIRTABLE_SCOPES, resources=(ACME,))
    assert await statuses(rig, sync) == [SyncStatus.ACTIVE]


async def test_p06_a_base_that_was_chosen_at_airtable_meanwhile_is_found(
    rig: Rig, rechecks: Rechecks, sync_runner: SyncRunnerStandIn
) -> None:
    """Airtable lets people change their choice there, and tells nobody."""
    sync = await rig.add(destination=to_base(ACME))
    await rig.release(AIRTABLE, scopes=AIRTABLE_SCOPES, resources=())
    tables = sync_runner.tables.pop(ACME)
    await rig.recheck_now(sync)
    await rechecks.tick()
    assert await statuses(rig, sync) == [SyncStatus.HELD]
    assert await rig.recheck_at(sync) > await rig.now()

    sync_runner.tables[ACME] = tables
    await rig.recheck_now(sync)
    await rechecks.tick()
    assert await statuses(rig, sync) == [SyncStatus.ACTIVE]


async def test_p06_no_look_ends_the_lack_of_a_scope(rig: Rig, rechecks: Rechecks) -> None:
    """A catalogue shows the properties of what cannot be read."""
    source = OF_DEALS.model_copy(update={"object": "contacts"})
    sync = await rig.add(source=source)
    await rig.release(scopes=("oauth",))
    assert (await rig.sync(sync)).recheck_at is None
    await rig.recheck_now(sync)
    await rechecks.tick()
    assert await statuses(rig, sync) == [SyncStatus.HELD]
    assert (await rig.sync(sync)).recheck_at is None


async def test_p06_sync_now_and_the_api_say_what_is_lacking_and_what_helps(
    rig: Rig, api: httpx.AsyncClient
) -> None:
    deals = await rig.add(source=OF_DEALS)
    await rig.release(scopes=NO_DEALS)
    refused = await api.post(f"/v1/syncs/{deals.id}/run")
    assert refused.status_code == 409
    said = refused.json()["detail"]
    assert "not allowed to read deals at HubSpot" in said
    assert "runs again once its connection is reconnected with all of that allowed" in said
    shown = (await api.get(f"/v1/syncs/{deals.id}")).json()
    assert shown["hold"]["lacks"] == [DEALS]
    await rig.add()  # of contacts, which were granted
    used = (await api.get("/v1/connections/uses")).json()["items"]
    told = {each["connection_id"]: each["lacks"] for each in used}
    assert told == {HUBSPOT: [shown["hold"]["cause"]], AIRTABLE: []}


@pytest.mark.parametrize(
    "refusal",
    [
        (HUBSPOT, ("oauth",), "source.object", "not allowed to read contacts at HubSpot"),
        (AIRTABLE, ("schema.bases:read",), "destination.connection_id", "and write records at"),
    ],
)
async def test_p06_a_sync_that_could_not_run_is_refused_by_name(
    api: httpx.AsyncClient, rig: Rig, body: Json, refusal: tuple[str, tuple[str, ...], str, str]
) -> None:
    connection_id, scopes, field, words = refusal
    await rig.release(connection_id, scopes=scopes)
    answer = await api.post("/v1/syncs", json=body)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == field
    assert words in error["message"]
    assert error["remedy"].startswith("Reconnect ")


async def test_p06_other_scopes_at_a_refresh_leave_bases_as_the_last_look_found_them(
    rig: Rig, rechecks: Rechecks, sync_runner: SyncRunnerStandIn
) -> None:
    """Such a state tells no bases: what was chosen meanwhile runs, what was taken away does not."""
    chosen, taken = (
        await rig.add(destination=to_base(ACME)),
        await rig.add(destination=to_base(OTHER)),
    )
    sync_runner.tables.setdefault(ACME, next(iter(sync_runner.tables.values())))
    sync_runner.tables.pop(OTHER, None)
    await rig.release(AIRTABLE, scopes=AIRTABLE_SCOPES, resources=())
    for each in (chosen, taken):
        await rig.recheck_now(each)
    await rechecks.tick()
    assert await statuses(rig, chosen, taken) == [SyncStatus.ACTIVE, SyncStatus.HELD]

    fewer = tuple(each for each in AIRTABLE_SCOPES if each != "user.email:read")
    await rig.release(AIRTABLE, scopes=fewer)
    assert await statuses(rig, chosen, taken) == [SyncStatus.ACTIVE, SyncStatus.HELD]
    assert (await rig.hold_of(taken)).lacks == (OTHER,)
    await rechecks.tick()
    assert await statuses(rig, chosen, taken) == [SyncStatus.ACTIVE, SyncStatus.HELD]


async def with_an_unreadable_connection(rig: Rig) -> None:
    """Add a sync of which nobody can say how its source stands: jobs come again for it."""
    odd = {"_id": "con_unreadable", "held": True, "status": "odd"}
    await rig.database["connection_holds"].insert_one(odd)
    source = Source(connection_id="con_unreadable", provider=Provider.HUBSPOT, object="contacts")
    await rig.add(source=source, destination=to_base(OTHER))


async def test_p06_an_unreadable_connection_has_no_base_of_others_held_again(
    rig: Rig, rechecks: Rechecks
) -> None:
    await with_an_unreadable_connection(rig)
    chosen = await rig.add(destination=to_base(ACME))
    await rig.release(AIRTABLE, scopes=AIRTABLE_SCOPES, resources=())
    await rig.recheck_now(chosen)
    await rechecks.tick()
    assert await statuses(rig, chosen) == [SyncStatus.ACTIVE]

    await rig.pass_time(3600)
    await rig.jobs.tick()
    await rig.ticker.tick()
    assert await statuses(rig, chosen) == [SyncStatus.ACTIVE]

    await rig.release(AIRTABLE, scopes=AIRTABLE_SCOPES, resources=(OTHER,))
    assert await statuses(rig, chosen) == [SyncStatus.HELD], "a later choice says otherwise"


@pytest.mark.parametrize("act", ["created", "edited"])
async def test_p06_a_base_that_was_found_for_an_operator_is_not_held_again(
    rig: Rig, api: httpx.AsyncClient, body: Json, act: str
) -> None:
    await with_an_unreadable_connection(rig)
    sync = await rig.add() if act == "edited" else None
    await rig.release(scopes=HUBSPOT_SCOPES)
    await rig.release(AIRTABLE, scopes=AIRTABLE_SCOPES, resources=())
    if sync is None:
        answer = await api.post("/v1/syncs", json=body)
    else:
        answer = await api.patch(f"/v1/syncs/{sync.id}", json={"mapping": body["mapping"]})
    saved = answer.raise_for_status().json()

    await rig.pass_time(3600)
    await rig.jobs.tick()
    await rig.ticker.tick()
    shown = (await api.get(f"/v1/syncs/{saved['id']}")).json()
    assert shown["status"] == "active"
