"""A trial shows ten records as a run would write them, and says what would not fit."""

import pytest
from inquirer import FOREIGN, signed_in, tried
from sync_runner_rig import HUBSPOT, Json, Rig
from tablesync.contracts import FieldMapping, Provider
from tablesync.local_stack.keys import ServiceKeys
from tablesync.service_kit.http.user_auth import OperatorRole

TRIALS = "/v1/trials"


async def test_a_trial_shows_what_a_run_then_writes(rig: Rig, service_keys: ServiceKeys) -> None:
    spec = await rig.spec("deals")
    (bad, *good) = [each["id"] for each in await rig.deals()][:10]
    await rig.edit("deals", [bad], amount="a lot")
    asked_before = await requests(rig)
    async with rig.http("worker") as http:
        answer = await http.post(TRIALS, json=tried(spec), headers=signed_in(service_keys))
        asked = await requests(rig) - asked_before
        before = await rig.rows(spec)
        await rig.run(spec)
    assert answer.status_code == 200, answer.text
    assert not before, "a trial writes nothing"
    assert asked <= 3
    shown = {each["source_id"]: each for each in answer.json()["records"]}
    assert list(shown) == [bad, *good]
    key = spec.key.field_id
    rows = {each[key]: each for each in await rig.rows(spec)}
    for id_ in good:
        filled = {name: cell for name, cell in shown[id_]["cells"].items() if cell is not None}
        assert (filled, shown[id_]["faults"]) == (rows[id_], [])
    (fault,) = shown[bad]["faults"]
    amount = next(each.field_id for each in spec.mapping if each.source == "amount")
    assert fault == {
        "field_id": amount,
        "field": "Amount",
        "value": "a lot",
        "message": "is not a number",
        "remedy": "Map it to a text field.",
    }
    assert amount not in shown[bad]["cells"]
    assert shown[bad]["cells"][key] == bad
    assert answer.json()["rejected"] == 1


async def requests(rig: Rig) -> int:
    """Return how many requests the source has seen."""
    return len((await rig.sandbox.log(provider="hubspot"))["requests"])


async def test_p21_what_cannot_be_tried_names_field_and_remedy(
    rig: Rig, service_keys: ServiceKeys
) -> None:
    spec = await rig.spec("deals")
    unknown, unheard = "fldNOBODYHASTHIS0", FieldMapping(source="mood", field_id=spec.key.field_id)
    sent = [
        tried(spec, source={"connection_id": HUBSPOT, "object": "tickets"}),
        tried(spec, destination={**spec.destination.model_dump(), "table_id": f"tbl{'X' * 14}"}),
        tried(spec, key={"source": "id", "field_id": unknown}),
        tried(spec, mapping=[unheard.model_dump(mode="json")]),
        tried(spec, mapping=[{"source": "amount", "field_id": spec.key.field_id}]),
        tried(spec, key={"source": "amount", "field_id": await amount_of(rig)}, mapping=[]),
    ]
    async with rig.http("api") as http:
        answers = [
            await http.post(TRIALS, json=each, headers=signed_in(service_keys)) for each in sent
        ]
    assert [each.status_code for each in answers] == [422] * len(sent)
    errors = [each.json()["errors"] for each in answers]
    assert all(error["remedy"] for each in errors for error in each)
    assert [[error["field"] for error in each] for each in errors] == [
        ["source.object"],
        ["destination.table_id"],
        ["key.field_id"],
        ["mapping.0.source", "mapping.0.field_id"],
        ["mapping.0.field_id"],
        ["key.field_id"],
    ]


async def amount_of(rig: Rig) -> str:
    """Return the field that no rows can be found by."""
    spec = await rig.spec("deals")
    return next(each.field_id for each in spec.mapping if each.source == "amount")


@pytest.mark.parametrize("end", ["source", "destination"])
async def test_p20_another_workspaces_connection_is_not_found(
    rig: Rig, service_keys: ServiceKeys, end: str
) -> None:
    spec = await rig.spec("deals")
    for connection_id, provider in (("con_own", Provider.HUBSPOT), ("con_base", Provider.AIRTABLE)):
        rig.auth.connect(connection_id, FOREIGN, provider)
    ends: Json = {
        "source": {"connection_id": "con_own"},
        "destination": {"connection_id": "con_base"},
    }
    del ends[end]
    sent = tried(spec)
    sent |= {name: {**sent[name], **own} for name, own in ends.items()}
    async with rig.http("api") as http:
        foreign = signed_in(service_keys, workspace_id=FOREIGN)
        answer = await http.post(TRIALS, json=sent, headers=foreign)
        viewer = signed_in(service_keys, OperatorRole.VIEWER)
        refused = await http.post(TRIALS, json=tried(spec), headers=viewer)
    assert (answer.status_code, refused.status_code) == (404, 403), answer.text
