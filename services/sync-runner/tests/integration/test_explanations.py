"""One record at both ends: what the source has, what Airtable has, and what runs made of it."""

from collections.abc import Awaitable, Callable
from datetime import datetime

import httpx
from inquirer import FOREIGN, signed_in, tried
from sync_runner_rig import Json, Rig
from tablesync.contracts import FieldMapping, Provider, SyncSpec
from tablesync.local_stack.keys import ServiceKeys

EXPLANATIONS = "/v1/explanations"
Explain = Callable[[SyncSpec, str], Awaitable[Json]]


def explaining(http: httpx.AsyncClient, service_keys: ServiceKeys) -> Explain:
    """Return what asks about one record of a sync."""

    async def explain(spec: SyncSpec, record: str) -> Json:
        sent = tried(spec, sync_id=spec.sync_id, record=record)
        answer = await http.post(EXPLANATIONS, json=sent, headers=signed_in(service_keys))
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    return explain


def differing(told: Json) -> dict[str, tuple[object, object, object]]:
    """Return what the source has, what that becomes and what Airtable has, where they differ."""
    cells = [each for each in told["cells"] if not each["same"]]
    return {each["field"]: (each["value"], each["wanted"], each["found"]) for each in cells}


async def test_a_record_is_explained_by_its_id_whatever_became_of_it(
    rig: Rig, service_keys: ServiceKeys
) -> None:
    spec = await rig.spec("deals")
    field_ids = {each.source: each.field_id for each in spec.mapping}
    fine, changed, by_hand, unfit, lost, gone = [each["id"] for each in await rig.deals()][:6]
    await rig.edit("deals", [unfit], amount="a lot")
    await rig.edit("deals", [changed, by_hand], amount="12.5")
    async with rig.http("worker") as http:
        explain = explaining(http, service_keys)
        unread = await explain(spec, fine)
        run = await rig.run(spec)
        rows = await rig.row_ids(spec)
        await rig.edit("deals", [changed], amount="13")
        by_people = {field_ids["amount"]: 99}
        await rig.at_table(spec, "edit-row", row=rows[by_hand], fields=by_people)
        await rig.at_table(spec, "delete-rows", rows=[rows[lost]])
        await rig.at_hubspot("archive", object="deals", ids=[gone])
        before = await rig.counters(Provider.AIRTABLE)
        ids = (fine, changed, by_hand, unfit, lost, gone, "999999999", "no id at all")
        told = {each: await explain(spec, each) for each in ids}
        after = await rig.counters(Provider.AIRTABLE)
    for counter in ("records_created", "records_updated"):
        assert after[counter] == before[counter], "nothing is written"
    assert unread["verdict"].startswith("No run has read it yet.")
    assert (unread["at_source"], unread["in_airtable"], unread["written_at"]) == (True, False, None)
    assert told[fine]["verdict"] == "Its row shows what the source has."
    assert (told[fine]["run_id"], told[fine]["row_id"]) == (run["_id"], rows[fine])
    assert run["started_at"] <= datetime.fromisoformat(told[fine]["written_at"])
    assert not differing(told[fine])
    assert differing(told[changed])["Amount"] == ("13", 13, 12.5)
    assert told[changed]["verdict"].startswith("What the source has is not in its row yet: Amount")
    assert differing(told[by_hand]) == {"Amount": ("12.5", 12.5, 99)}
    assert told[by_hand]["verdict"] == (
        "Its row was changed in Airtable: Amount. A check of everything corrects it."
    )
    assert told[unfit]["rejection"]["field"] == "Amount"
    assert (told[unfit]["run_id"], told[unfit]["in_airtable"]) == (run["_id"], False)
    (fault,) = [each["fault"] for each in told[unfit]["cells"] if each["fault"]]
    assert (fault["value"], fault["message"]) == ("a lot", "is not a number")
    assert told[unfit]["verdict"] == (
        "It cannot be written: field \"Amount\": 'a lot' is not a number."
    )
    assert told[lost]["verdict"].startswith("Its row was deleted in Airtable.")
    assert told[gone]["verdict"] == (
        "The record was deleted at its source; its row stays as it is."
    )
    for unknown in ("999999999", "no id at all"):
        assert (told[unknown]["source_id"], told[unknown]["at_source"]) == (None, False)
        assert told[unknown]["verdict"].startswith("Neither the source nor the table")


async def test_a_record_is_explained_by_its_key_in_its_own_workspace_alone(
    rig: Rig, service_keys: ServiceKeys
) -> None:
    spec = await rig.spec("deals")
    name = next(each for each in spec.mapping if each.source == "dealname")
    (first, *_) = [each["id"] for each in await rig.deals()]
    await rig.edit("deals", [first], dealname='The "one"')
    mapping = tuple(each for each in spec.mapping if each != name)
    spec = await rig.spec("deals", key=FieldMapping(**name.model_dump()), mapping=mapping)
    await rig.edit("deals", [first], description="spoken of")
    for connection_id, provider in (("con_own", Provider.HUBSPOT), ("con_base", Provider.AIRTABLE)):
        rig.auth.connect(connection_id, FOREIGN, provider)
    async with rig.http("worker") as http:
        await rig.run(spec)
        told = await explaining(http, service_keys)(spec, 'The "one"')
        sent = tried(spec, sync_id=spec.sync_id, record=first)
        sent["source"]["connection_id"] = "con_own"
        sent["destination"]["connection_id"] = "con_base"
        foreign = signed_in(service_keys, workspace_id=FOREIGN)
        refused = await http.post(EXPLANATIONS, json=sent, headers=foreign)
    assert (told["source_id"], told["at_source"], told["in_airtable"]) == (first, True, True)
    assert told["verdict"] == "Its row shows what the source has."
    assert refused.status_code == 404
    assert refused.json()["detail"] == "There is no such sync in this workspace."
