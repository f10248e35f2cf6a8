"""Sessions: a sign-in that lasts, that its owner can end anywhere, and that ends by itself."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from auth_service_rig import Json, Rig, id_token, stored
from tablesync.auth_service.identity import sessions
from tablesync.local_stack.keys import ServiceKeys
from tablesync.service_kit.mongo import Database, from_now

OPERATOR = "operator@example.test"
HOUR = 3600.0


async def begin(rig: Rig, email: str = OPERATOR, **more: str) -> Json:
    body = {"id_token": await id_token(rig.sandbox, email), "device": "Chromium on Linux", **more}
    answer = await rig.client().post("/v1/sessions", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    begun: Json = answer.json()
    return begun


async def exchange(rig: Rig, session: Json, workspace_id: str | None = None) -> httpx.Response:
    body = {"session_token": session["session_token"]}
    chosen = {"workspace_id": workspace_id} if workspace_id else {}
    return await rig.client().post("/v1/tokens", json=body | chosen)


async def signed_in(rig: Rig, session: Json) -> httpx.AsyncClient:
    token = (await exchange(rig, session)).json()["access_token"]
    return rig.client(headers={"Authorization": f"Bearer {token}"})


async def move(database: Database, session: Json, **seconds: float) -> None:
    moved: Any = [{"$set": {name: from_now(each) for name, each in seconds.items()}}]
    await database["sessions"].update_one({"_id": session["id"]}, moved)


async def test_a_session_is_exchanged_for_user_tokens(
    rig: Rig, database: Database, service_keys: ServiceKeys
) -> None:
    session = await begin(rig)

    answer = await exchange(rig, session)

    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["role"], body["session_id"]) == ("operator", session["id"])
    workspace = service_keys.bootstrap()["workspace"]
    assert (body["workspace_id"], body["workspace_name"]) == (workspace["id"], workspace["name"])
    assert (body["email"], body["name"]) == (session["email"], session["name"])
    row = await stored(database, "sessions", session["id"])
    assert session["session_token"] not in str(row)


async def test_a_session_opens_no_workspace_of_others(rig: Rig) -> None:
    session = await begin(rig)
    assert (await exchange(rig, session, rig.workspace_id)).status_code == 401


async def test_a_session_that_is_used_lasts_and_one_that_is_not_ends(
    rig: Rig, database: Database
) -> None:
    session = await begin(rig)
    await move(database, session, used_at=-11 * HOUR, expires_at=HOUR)
    assert (await exchange(rig, session)).status_code == 200
    row = await stored(database, "sessions", session["id"])
    assert row["expires_at"] - row["used_at"] == sessions.IDLE

    await move(database, session, expires_at=-1)
    assert (await exchange(rig, session)).status_code == 401


async def test_no_use_makes_a_session_outlast_its_life(rig: Rig, database: Database) -> None:
    session = await begin(rig)
    began = -(sessions.LIFETIME - timedelta(hours=1)).total_seconds()
    await move(database, session, began_at=began, used_at=-120)
    await exchange(rig, session)
    row = await stored(database, "sessions", session["id"])
    assert row["expires_at"] == row["began_at"] + sessions.LIFETIME


async def test_signing_out_ends_the_session_of_this_secret_alone(rig: Rig) -> None:
    here, elsewhere = await begin(rig), await begin(rig)
    for _ in range(2):
        body = {"session_token": here["session_token"]}
        assert (await rig.client().post("/v1/sessions/end", json=body)).status_code == 204
    assert (await exchange(rig, here)).status_code == 401
    assert (await exchange(rig, elsewhere)).status_code == 200


async def test_somebody_sees_and_ends_their_own_sessions_and_nobody_elses(rig: Rig) -> None:
    one, two, of_another = (
        await begin(rig),
        await begin(rig),
        await begin(rig, "admin@example.test"),
    )
    own = await signed_in(rig, one)

    listed = (await own.get("/v1/sessions")).json()["items"]
    assert {one["id"], two["id"]} <= {each["id"] for each in listed}
    assert of_another["id"] not in {each["id"] for each in listed}
    assert "session_token" not in str(listed)

    assert (await own.delete(f"/v1/sessions/{of_another['id']}")).status_code == 404
    assert (await own.delete(f"/v1/sessions/{two['id']}")).status_code == 204
    assert (await exchange(rig, two)).status_code == 401

    ended = await own.delete("/v1/sessions")
    assert ended.json()["ended"] >= 1
    assert (await exchange(rig, one)).status_code == 401
    assert (await exchange(rig, of_another)).status_code == 200


async def test_who_signs_in_without_end_has_the_oldest_ended(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await (await signed_in(rig, await begin(rig))).delete("/v1/sessions")
    monkeypatch.setattr(sessions, "MOST_OF_A_PERSON", 2)
    first, *others = [await begin(rig) for _ in range(3)]
    assert (await exchange(rig, first)).status_code == 401
    assert [(await exchange(rig, each)).status_code for each in others] == [200, 200]


async def test_a_nonce_that_the_issuer_does_not_repeat_begins_no_session(rig: Rig) -> None:
    token = await id_token(rig.sandbox, OPERATOR)
    body = {"id_token": token, "nonce": "another"}
    assert (await rig.client().post("/v1/sessions", json=body)).status_code == 401
