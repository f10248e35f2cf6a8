"""Drafts of syncs: each is one person's, changed at a version, and finished with its sync."""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta

import httpx
import pytest
from scheduler_http import Headers, Json, Tokens, create_sync
from scheduler_rig import Rig
from tablesync.scheduler.api.drafts import MOST_OPEN
from tablesync.service_kit.http.user_auth import OperatorRole

pytestmark = pytest.mark.integration

PATH = "/v1/sync-drafts"
OTHERS = "ws_0198f0c2-0000-7000-8000-000000000002"
MOVED_ON = "urn:tablesync:problem:edited-meanwhile"


async def kept(api: httpx.AsyncClient, title: str = "HubSpot Deals", contents: str = "{}") -> Json:
    answer = await api.post(PATH, json={"title": title, "contents": contents})
    assert answer.status_code == 201, answer.text
    draft: Json = answer.json()
    return draft


async def titles(api: httpx.AsyncClient) -> list[str]:
    return [each["title"] for each in (await api.get(PATH)).json()["items"]]


def made_of(draft: Json) -> Json:
    return {each: draft[each] for each in ("id", "version")}


async def statuses(
    api: httpx.AsyncClient, draft: Json, everybody: Iterable[Headers]
) -> list[tuple[int, ...]]:
    """Return what others get who ask for a draft, change it and discard it."""
    path, found = f"{PATH}/{draft['id']}", []
    edit = {"title": "theirs", "contents": "", "version": draft["version"]}
    for each in everybody:
        answers = [
            await api.get(path, headers=each),
            await api.put(path, json=edit, headers=each),
            await api.delete(path, headers=each),
        ]
        found.append(tuple(answer.status_code for answer in answers))
    return found


async def test_a_draft_is_kept_changed_listed_and_discarded(api: httpx.AsyncClient) -> None:
    draft = await kept(api, contents=(wide := "€" * 200_000))
    other = await kept(api, "HubSpot Contacts")
    assert await titles(api) == ["HubSpot Contacts", "HubSpot Deals"]
    path = f"{PATH}/{draft['id']}"
    assert (await api.get(path)).json() == draft
    edit = {"title": "All deals", "contents": wide + ".", "version": 1}
    changed = (await api.put(path, json=edit)).json()
    assert (changed["version"], changed["contents"]) == (2, wide + ".")
    assert await titles(api) == ["All deals", "HubSpot Contacts"]
    (listed, _) = (await api.get(PATH)).json()["items"]
    assert listed == {name: value for name, value in changed.items() if name != "contents"}
    moments = (datetime.fromisoformat(listed[each]) for each in ("changed_at", "expires_at"))
    assert -(next(moments) - next(moments)) == timedelta(days=14)
    assert (await api.delete(f"{PATH}/{other['id']}")).status_code == 204
    assert await titles(api) == ["All deals"]


async def test_of_two_changes_at_one_version_the_second_is_told(api: httpx.AsyncClient) -> None:
    draft = await kept(api)
    path, edit = f"{PATH}/{draft['id']}", {"title": "", "version": 1}
    both = [api.put(path, json={**edit, "contents": each}) for each in ("mine", "theirs")]
    first, second = sorted(await asyncio.gather(*both), key=lambda each: each.status_code)
    assert (first.status_code, second.status_code) == (200, 409)
    assert (second.json()["type"], second.json()["version"]) == (MOVED_ON, 2)
    assert (await api.get(path)).json() == first.json()


async def test_p20_a_draft_is_its_owners_alone_and_takes_an_operator(
    api: httpx.AsyncClient, tokens: Tokens, body: Json
) -> None:
    draft = await kept(api)
    elsewhere = tokens.operator(workspace_id=OTHERS)
    colleague = tokens.operator(operator_id="op_2")
    viewer = tokens.operator(OperatorRole.VIEWER)
    assert await statuses(api, draft, (elsewhere, colleague)) == [(404, 404, 404)] * 2
    assert await statuses(api, draft, (viewer,)) == [(403, 403, 403)]
    assert (await api.get(PATH, headers=colleague)).json() == {"items": []}
    theirs = {**body, "draft": made_of(draft)}
    assert (await api.post("/v1/syncs", json=theirs, headers=colleague)).status_code == 404
    assert (await api.get(f"{PATH}/{draft['id']}")).json() == draft


async def test_a_sync_finishes_its_draft_and_is_made_of_it_once(
    api: httpx.AsyncClient, body: Json
) -> None:
    draft = await kept(api)
    wanted = {**body, "draft": made_of(draft)}
    twice = await asyncio.gather(*(api.post("/v1/syncs", json=wanted) for _ in range(2)))
    made, late = sorted(twice, key=lambda each: each.status_code)
    assert (made.status_code, late.status_code) == (201, 409)
    assert (late.json()["type"], late.json()["sync_id"]) == (MOVED_ON, made.json()["id"])
    assert (await api.get("/v1/syncs")).json()["items"] == [made.json()]
    assert await titles(api) == []
    finished = (await api.get(f"{PATH}/{draft['id']}")).json()
    assert (finished["sync_id"], finished["contents"]) == (made.json()["id"], "")
    edit = {"title": "", "contents": "late", "version": finished["version"]}
    assert (await api.put(f"{PATH}/{draft['id']}", json=edit)).status_code == 409
    refused = await api.delete(f"{PATH}/{draft['id']}")
    assert (refused.status_code, refused.json()["sync_id"]) == (409, made.json()["id"])


async def test_of_a_draft_that_has_moved_on_or_is_gone_no_sync_is_made(
    api: httpx.AsyncClient, body: Json
) -> None:
    draft = await kept(api)
    edit = {"title": "", "contents": "other", "version": 1}
    (await api.put(f"{PATH}/{draft['id']}", json=edit)).raise_for_status()
    wanted = {**body, "draft": made_of(draft)}
    assert (await api.post("/v1/syncs", json=wanted)).status_code == 409
    (await api.delete(f"{PATH}/{draft['id']}")).raise_for_status()
    assert (await api.post("/v1/syncs", json=wanted)).status_code == 404
    assert (await api.get("/v1/syncs")).json()["items"] == []
    assert (await create_sync(api, body))["version"] == 1


async def test_nobody_has_more_drafts_than_somebody_could_finish(
    api: httpx.AsyncClient, body: Json, rig: Rig
) -> None:
    drafts = [await kept(api, str(number)) for number in range(MOST_OPEN)]
    one_more = {"title": "one more", "contents": ""}
    refused = await api.post(PATH, json=one_more)
    assert (refused.status_code, refused.json()["limit"]) == (409, MOST_OPEN)
    await create_sync(api, {**body, "draft": made_of(drafts[0])})
    assert (await api.post(PATH, json=one_more)).status_code == 201
    expiry = (await rig.database["sync_drafts"].index_information())["expiry"]
    assert expiry["expireAfterSeconds"] == timedelta(days=14).total_seconds()
