"""Incidents, preferences and unsubscribing, each of one workspace and person."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from bson import encode
from mail_catcher import recipient_of, text_of
from notifier_rig import Rig, held_sync
from tablesync.contracts import (
    ConnectionReconnected,
    ConnectionRevoked,
    MemberInvited,
    SyncFailed,
    SyncSucceeded,
)
from tablesync.notifier.mail.content import LINK_LEFT_OUT
from tablesync.test_kit import eventually

pytestmark = pytest.mark.integration


async def test_p20_incidents_are_their_workspaces_alone(rig: Rig) -> None:
    async with rig.working():
        await rig.take(rig.events.connection(ConnectionRevoked))
        await rig.take(rig.events.connection(ConnectionRevoked, "con_2", workspace_id="ws_2"))
        (mine,), (theirs,) = await rig.incidents("ws_1"), await rig.incidents("ws_2")
        assert (mine["connection_id"], theirs["connection_id"]) == ("con_1", "con_2")
        foreign = await rig.get(f"/v1/incidents/{theirs['id']}")
        own = await rig.get(f"/v1/incidents/{mine['id']}")
        nobody = await rig.get("/v1/incidents", None)
    assert (foreign.status_code, own.status_code, nobody.status_code) == (404, 200, 401)
    assert foreign.headers["content-type"] == "application/problem+json"


async def test_p18_neither_database_nor_log_holds_the_link(rig: Rig) -> None:
    await rig.start_process()
    await rig.publish(rig.events.connection(ConnectionRevoked))
    await rig.mail_came("revocation")
    await rig.jobs_rest()
    (link,) = rig.auth.links
    unsubscribe = rig.smtp.mails[0]["List-Unsubscribe"].strip("<>").rpartition("/")[2]
    secrets = [urlsplit(link).path.rpartition("/")[2].encode(), unsubscribe.encode()]
    await eventually(lambda: b"mail sent" in rig.log.read_bytes())
    dump = rig.log.read_bytes()
    for name in await rig.database.list_collection_names():
        dump += b"".join([encode(row) async for row in rig.database[name].find()])
    assert not any(secret in dump for secret in secrets)


async def test_preferences_are_on_until_switched_off(rig: Rig) -> None:
    async with rig.working():
        assert (await rig.get("/v1/preferences")).json() == {"mails": True}
        changed = await rig.call("PATCH", "/v1/preferences", json={"mails": False})
        assert changed.json() == {"mails": False}
        assert (await rig.get("/v1/preferences", "ws_2")).json() == {"mails": True}
        await rig.take(rig.events.connection(ConnectionRevoked))
        (mail,) = await rig.mail_came("revocation")
    assert recipient_of(mail) == "eve@acme.test"


@pytest.mark.parametrize("body", [{}, {"mails": "yes"}, {"mails": None}, {"mail": True}, [1]])
async def test_p21_bad_preferences_are_named_and_change_nothing(rig: Rig, body: Any) -> None:
    async with rig.working():
        answer = await rig.call("PATCH", "/v1/preferences", json=body)
        assert answer.status_code == 422
        assert answer.json()["errors"]
        assert (await rig.get("/v1/preferences")).json() == {"mails": True}


async def test_p22_the_same_key_gives_the_same_answer(rig: Rig) -> None:
    key = {"Idempotency-Key": "k1"}
    async with rig.working():
        first = await rig.call("PATCH", "/v1/preferences", json={"mails": False}, headers=key)
        same = await rig.call("PATCH", "/v1/preferences", json={"mails": False}, headers=key)
        other = await rig.call("PATCH", "/v1/preferences", json={"mails": True}, headers=key)
    assert (first.status_code, same.status_code, other.status_code) == (200, 200, 422)


async def test_one_click_unsubscribe_as_mail_programs_do_it(rig: Rig) -> None:
    async with rig.working():
        await rig.take(rig.events.connection(ConnectionRevoked))
        (mail,) = await rig.mail_came("revocation")
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        path = urlsplit(mail["List-Unsubscribe"].strip("<>")).path

        looked_at = await rig.get(path, None)
        assert looked_at.status_code == 200
        assert "form" in looked_at.text
        assert (await rig.get("/v1/preferences")).json() == {"mails": True}

        one_click = {"List-Unsubscribe": "One-Click"}
        done = await rig.call("POST", path, None, data=one_click)
        assert done.status_code == 200
        assert (await rig.get("/v1/preferences")).json() == {"mails": False}
        assert 'action="?again=true"' in done.text
        assert (await rig.get(path, None)).text == done.text, "the page says what is so now"
        again = await rig.call("POST", f"{path}?again=true", None)
        assert "You get mails again" in again.text
        assert (await rig.get("/v1/preferences")).json() == {"mails": True}
        for wrong in (f"{path}x", "/unsubscribe/x", f"/unsubscribe/{rig.token('ws_1')}"):
            assert (await rig.call("POST", wrong, None)).status_code == 404


async def test_incidents_come_in_pages_to_the_last_one_newest_first(rig: Rig) -> None:
    lost = [f"con_{n}" for n in range(5)]
    async with rig.working():
        for each in lost:
            await rig.take(rig.events.connection(ConnectionRevoked, each))
        await rig.take(rig.events.connection(ConnectionReconnected, "con_0", grant_version=2))
        pages = [page async for page in walk(rig, "/v1/incidents?limit=2")]
        still_open = [page async for page in walk(rig, "/v1/incidents?limit=2&status=open")]
        bad = await rig.get("/v1/incidents?cursor=x")
    assert [[each["connection_id"] for each in page] for page in pages] == [
        ["con_4", "con_3"],
        ["con_2", "con_1"],
        ["con_0"],
    ]
    assert [len(page) for page in still_open] == [2, 2]
    assert (bad.status_code, bad.json()["errors"][0]["field"]) == (422, "cursor")


async def test_incidents_are_found_by_what_they_are_of_and_when_they_opened(rig: Rig) -> None:
    async with rig.running("api"):
        for each in ("con_1", "con_2"):
            await rig.take(rig.events.connection(ConnectionRevoked, each))
        for each in ("syn_1", "syn_2"):
            await rig.take(
                rig.events.run(SyncFailed, each, cause="resource", connection_id="con_2")
            )
        await rig.take(rig.events.run(SyncSucceeded, "syn_2"))
        opened = {each["sync_id"] or each["connection_id"]: each for each in await rig.incidents()}
        second = quote(opened["con_2"]["opened_at"])
        found = {
            query: [
                each["sync_id"] or each["connection_id"]
                for each in (await rig.get(f"/v1/incidents?{query}")).json()["items"]
            ]
            for query in (
                "connection_id=con_2",
                "connection_id=con_2&status=closed",
                "sync_id=syn_1",
                "sync_id=syn_1&connection_id=con_1",
                f"to={second}",
                f"from={second}&connection_id=con_2&status=open",
            )
        }
        foreign = await rig.get("/v1/incidents?connection_id=con_1", "ws_2")
    assert [*found.values()] == [
        ["syn_2", "syn_1", "con_2"],
        ["syn_2"],
        ["syn_1"],
        [],
        ["con_1"],
        ["syn_1", "con_2"],
    ]
    assert foreign.json()["items"] == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=ajar", "status"),
        ("from=yesterday", "from"),
        ("from=2026-11-22T10:00:00", "from"),
        ("from=2026-11-22T10:00:00Z&to=2026-11-22T10:00:00Z", "to"),
    ],
)
async def test_p21_what_no_incident_can_be_found_by_is_named(
    rig: Rig, query: str, field: str
) -> None:
    async with rig.running("api"):
        answer = await rig.get(f"/v1/incidents?{query}")
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["field"]) == (422, field)
    assert error["remedy"]


async def test_p18_a_mail_is_previewed_as_it_will_be_and_as_it_was_without_its_link(
    rig: Rig,
) -> None:
    rig.know_syncs(held_sync("syn_1"))
    async with rig.running("api"):
        await rig.take(rig.events.connection(ConnectionRevoked))
        ((before,),) = [each["mails"] for each in await rig.incidents()]
        path = f"/v1/mails/{before['id']}/preview"
        planned = (await rig.get(path)).json()
        assert rig.auth.links == [], "no link is made for whoever only looks"
    async with rig.working():
        (mail,) = await rig.mail_came("revocation")
        await rig.jobs_rest()
        sent = (await rig.get(path)).json()
        await rig.take(rig.events.connection(ConnectionReconnected, grant_version=2))
        assert (await rig.get(path)).json() == sent, "it says what it said when it was sent"
        foreign, unknown = await rig.get(path, "ws_2"), await rig.get("/v1/mails/x/preview")
    assert (planned["as_sent"], sent["as_sent"]) == (False, True)
    assert planned["subject"] == sent["subject"] == mail["Subject"]
    (link,), unsubscribe = rig.auth.links, mail["List-Unsubscribe"].strip("<>")
    text = text_of(mail).replace("\r\n", "\n")
    as_sent = text.replace(link, LINK_LEFT_OUT).replace(unsubscribe, LINK_LEFT_OUT)
    assert sent["text"] == as_sent
    assert "Sync syn_1" in planned["text"]
    assert LINK_LEFT_OUT in planned["text"]
    assert (foreign.status_code, unknown.status_code) == (404, 404)


async def test_a_mail_that_says_nothing_says_why(rig: Rig) -> None:
    rig.auth.invite("ws_1", "inv_1")
    async with rig.running("api"):
        await rig.take(rig.events.connection(ConnectionRevoked))
        ((mail,),) = [each["mails"] for each in await rig.incidents()]
        await rig.take(rig.events.connection(ConnectionReconnected, grant_version=2))
        await rig.take(
            MemberInvited(
                workspace_id="ws_1",
                invitation_id="inv_1",
                role="viewer",
                invited_by="op_eve",
                mail_number=1,
            )
        )
        cancelled = await rig.get(f"/v1/mails/{mail['id']}/preview")
        invitation = await rig.get("/v1/mails/inv_1.invitation-1/preview")
    assert (cancelled.status_code, invitation.status_code) == (409, 404)
    assert "its reason went away" in cancelled.json()["detail"]


async def walk(rig: Rig, path: str) -> AsyncIterator[list[dict[str, Any]]]:
    """Yield the items of each page, to the end."""
    cursor: str | None = ""
    while cursor is not None:
        answer = await rig.get(f"{path}&cursor={cursor}" if cursor else path)
        assert answer.status_code == 200, answer.text
        yield answer.json()["items"]
        cursor = answer.json()["next_cursor"]
