"""API tokens: shown once, and only to whom they belong."""

from auth_service_rig import Rig, pages_of
from tablesync.service_kit.mongo import Database


async def test_a_new_api_token_is_shown_once_and_stored_as_a_digest(
    rig: Rig, database: Database
) -> None:
    operator = await rig.operator("operator")

    made = (await operator.post("/v1/api-tokens", json={"name": "laptop"})).json()
    listed = (await operator.get("/v1/api-tokens")).json()["items"]

    assert made["api_token"] not in str(listed)
    assert made["api_token"] not in str([row async for row in database["api_tokens"].find()])
    exchanged = await rig.client().post("/v1/tokens", json={"api_token": made["api_token"]})
    assert exchanged.json()["operator_id"] == rig.person("operator")["id"]
    assert (await operator.delete(f"/v1/api-tokens/{made['id']}")).status_code == 200
    refused = await rig.client().post("/v1/tokens", json={"api_token": made["api_token"]})
    assert refused.status_code == 401


async def test_p22_a_token_that_is_asked_for_twice_is_the_same(rig: Rig) -> None:
    operator = await rig.operator("operator")
    headers, body = {"Idempotency-Key": f"token-{rig.workspace_id}"}, {"name": "laptop"}

    first = await operator.post("/v1/api-tokens", json=body, headers=headers)
    second = await operator.post("/v1/api-tokens", json=body, headers=headers)

    assert first.json() == second.json()
    assert first.json()["api_token"].startswith("tsk_")


async def test_ones_own_tokens_come_in_pages(rig: Rig) -> None:
    operator, other = await rig.operator("operator"), await rig.operator("viewer")
    for number in range(3):
        await operator.post("/v1/api-tokens", json={"name": f"{number}"})

    whole = (await operator.get("/v1/api-tokens")).json()
    pages = await pages_of(operator, "/v1/api-tokens", limit=3)

    assert [len(each) for each in pages] == [3, 1]
    assert [each for page in pages for each in page] == whole["items"]
    assert [each["name"] for each in whole["items"][1:]] == ["0", "1", "2"]
    # The bootstrap file's token was made before tokens had a time.
    assert [each["created_at"] is None for each in whole["items"]] == [True, False, False, False]
    assert len((await other.get("/v1/api-tokens")).json()["items"]) == 1
