"""Connections, as operators list them."""

from auth_service_rig import OTHER_PORTAL, PORTAL, Rig, pages_of


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


async def test_a_cursor_of_another_list_is_refused(rig: Rig) -> None:
    operator = await rig.operator()
    page = (await operator.get("/v1/members", params={"limit": 1})).json()

    answer = await operator.get("/v1/connections", params={"cursor": page["next_cursor"]})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "cursor"
