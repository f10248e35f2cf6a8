"""What a sync writes is told by names, which are remembered for when things are gone."""

import httpx
from scheduler_examples import TABLE
from scheduler_http import Json, create_sync

KEY, EMAIL, NAME = "fldKey00000000001", "fldEmail000000001", "fldName0000000001"
BASE = {"appAcme0000000001": "Base appAcme0000000001", TABLE.id: "Contacts"}


async def test_a_sync_without_a_mapping_says_that_the_key_alone_is_written(
    api: httpx.AsyncClient, body: Json
) -> None:
    del body["mapping"]
    created = await create_sync(api, body)
    written = {"field": "HubSpot id", "field_id": KEY, "source": "id", "label": "Record ID"}
    assert created["writes"] == [written]
    copy = await api.post(f"/v1/syncs/{created['id']}/duplicate", json={"name": "Copy"})
    assert copy.json()["writes"] == [written]


async def test_names_are_learned_from_the_catalogue_and_again_when_the_mapping_is_edited(
    api: httpx.AsyncClient, body: Json
) -> None:
    created = await create_sync(api, body)
    assert created["names"] == BASE | {KEY: "HubSpot id", EMAIL: "E-mail"}
    path = f"/v1/syncs/{created['id']}"
    renamed = (await api.patch(path, json={"name": "People"})).json()
    assert renamed["names"] == created["names"]
    edit = {"mapping": [{"source": "firstname", "field_id": NAME}]}
    edited = (await api.patch(path, json=edit)).json()
    assert edited["names"] == BASE | {KEY: "HubSpot id", NAME: "Name"}
    assert [each["field"] for each in edited["writes"]] == ["HubSpot id", "Name"]
    assert [each["label"] for each in edited["writes"]] == ["Record ID", "firstname"]
    again = {"mapping": [{"source": "id", "field_id": KEY}, *edit["mapping"]]}
    assert (await api.patch(path, json=again)).json()["writes"] == edited["writes"]
