"""Connections, as operators list them."""

from auth_service_rig import OTHER_PORTAL, PORTAL, Rig, pages_of
from tablesync.contracts.public_api.connections import ProviderView


async def test_connections_come_in_pages_oldest_first(rig: Rig) -> None:
    made = [
        await rig.connect("hubspot", PORTAL),
        await rig.connect("airtable"),
        await rig.connect("hubspot", OTHER_PORTAL),
    ]
    operator = await rig.operator("viewer")

    whole = (await operator.get("/v1/connections")).json()
    pages = await pages_of(operator, "/v1/connections", limit=2)

    assert whole == {"items": made, "next_cursor": None, "unread_ids": []}
    assert pages == [made[:2], made[2:]]


async def test_what_can_be_connected_is_told_to_every_member_and_nobody_else(rig: Rig) -> None:
    viewer = await rig.operator("viewer")

    told = (await viewer.get("/v1/providers")).raise_for_status().json()["items"]

    assert [each["name"] for each in told] == ["hubspot", "airtable"]
    hubspot, airtable = (ProviderView.model_validate(each) for each in told)
    assert (hubspot.is_source, airtable.is_destination) == (True, True)
    assert (hubspot.comes_back_after_refusal, airtable.comes_back_after_refusal) == (False, True)
    for each in (hubspot, airtable):
        assert each.label in each.asks
        page = await rig.client().get(each.sign_out_url)
        assert "You are signed out" in page.text
    assert (await rig.client().get("/v1/providers")).status_code == 401


async def test_a_cursor_of_another_list_is_refused(rig: Rig) -> None:
    operator = await rig.operator()
    page = (await operator.get("/v1/members", params={"limit": 1})).json()

    answer = await operator.get("/v1/connections", params={"cursor": page["next_cursor"]})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "cursor"
