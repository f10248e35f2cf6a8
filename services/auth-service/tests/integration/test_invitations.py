"""Invitations: nobody is a member who has not accepted, and inviting tells of nobody."""

from datetime import UTC, datetime, timedelta

import pytest
from auth_service_rig import Json, Rig, Start, events_of, pages_of, stored
from tablesync.auth_service.identity import first_workspace
from tablesync.auth_service.identity.first_workspace import BootstrapFile
from tablesync.auth_service.settings import NAME
from tablesync.contracts import new_id
from tablesync.contracts.member_events import MemberInvited
from tablesync.service_kit.mongo import Database
from tablesync.service_kit.mongo.unit_of_work import UnitsOfWork
from tablesync.test_kit import press


def address(rig: Rig, name: str = "nia") -> str:
    """Return an address that no other test invites."""
    return f"{name}-{rig.workspace_id}@example.test"


async def mails_of(database: Database, invitation: Json) -> list[int]:
    """Return the numbers of the mails that were asked for."""
    events = await events_of(database, MemberInvited)
    ours = [each for each in events if each["invitation_id"] == invitation["id"]]
    return sorted(each["mail_number"] for each in ours)


async def test_p20_one_who_is_invited_is_no_member_before_accepting(rig: Rig) -> None:
    admin, email = await rig.operator("admin"), address(rig)
    invitation = await rig.invite(email, "admin")

    members = (await admin.get("/v1/members")).json()["items"]
    told = await rig.service("notifier").get(
        f"/internal/v1/workspaces/{rig.workspace_id}/recipients"
    )
    last = await admin.delete(f"/v1/members/{rig.person('admin')['id']}")

    assert invitation["email"] == email
    assert email not in [each["email"] for each in members]
    assert email not in told.text
    assert (last.status_code, last.json()["type"]) == (409, "urn:tablesync:problem:last-admin")
    assert (await admin.get("/v1/invitations")).json()["items"] == [invitation]


async def test_an_invitation_is_accepted_by_the_button_of_its_mails_page(rig: Rig) -> None:
    invitation = await rig.invite(address(rig), "operator", "Nia <b>")
    url, browser = await rig.invitation_link(invitation["id"]), rig.client()
    inviter = rig.person("admin")

    looked_at = [await browser.request(method, url) for method in ("GET", "HEAD", "GET")][-1]
    before = (await (await rig.operator()).get("/v1/members")).json()["items"]
    done = await press(browser, url)
    after = (await (await rig.operator()).get("/v1/members")).json()["items"]

    for text in (rig.bootstrap["workspace"]["name"], inviter["name"], inviter["email"], "operator"):
        assert text in looked_at.text
    assert "frame-ancestors 'none'" in looked_at.headers["content-security-policy"]
    assert "You are a member of" in done.text
    (new,) = [each for each in after if each not in before]
    assert (new["email"], new["role"], new["name"]) == (address(rig), "operator", "Nia <b>")
    for again in (await browser.get(url), await browser.post(url)):
        assert again.status_code == 200
        assert "You are a member of" in again.text
    assert (await (await rig.operator()).get("/v1/invitations")).json()["items"] == []

    await (await rig.operator("admin")).delete(f"/v1/members/{new['operator_id']}")
    for again in (await browser.get(url), await browser.post(url)):
        assert again.status_code == 410
        assert "You are not a member of" in again.text


def form_token_in(page: str) -> str:
    return page.partition('name="form_token" value="')[2].partition('"')[0]


@pytest.mark.parametrize("answer", ["accept", "decline"])
async def test_p20_a_form_of_another_origin_answers_no_invitation(rig: Rig, answer: str) -> None:
    admin = await rig.operator("admin")
    invitation = await rig.invite(address(rig))
    url, browser = await rig.invitation_link(invitation["id"]), rig.client()

    forged = await browser.post(f"{url}?answer={answer}", headers={"Origin": "https://evil.test"})
    shown = await browser.get(url)
    guessed = await browser.post(f"{url}?answer={answer}", data={"form_token": "guessed"})

    for page in (forged, guessed):
        assert page.status_code == 403
        assert "press the button on our own page" in page.text
    assert (await admin.get("/v1/invitations")).json()["items"] == [invitation]
    form = {"form_token": form_token_in(shown.text)}
    assert (await browser.post(f"{url}?answer={answer}", data=form)).status_code == 200
    assert (await admin.get("/v1/invitations")).json()["items"] == []


async def test_an_invitation_is_declined_by_the_other_button_of_its_mails_page(
    rig: Rig, database: Database
) -> None:
    admin = await rig.operator("admin")
    invitation = await rig.invite(address(rig), "operator")
    url, browser = await rig.invitation_link(invitation["id"]), rig.client()

    offered = await browser.get(url)
    form = {"form_token": form_token_in(offered.text)}
    declined = await browser.post(f"{url}?answer=decline", data=form)
    later = await press(browser, url)

    assert 'action="?answer=decline"' in offered.text
    for page in (declined, later, await browser.get(url)):
        assert page.status_code == 200
        assert "You have declined this invitation" in page.text
    assert (await admin.get("/v1/invitations")).json()["items"] == []
    emails = [each["email"] for each in (await admin.get("/v1/members")).json()["items"]]
    assert address(rig) not in emails
    ours = {"workspace_id": rig.workspace_id, "action": "invitation.declined"}
    (entry,) = await database["audit"].find(ours).to_list(None)
    assert (entry["actor"], entry["subject"]) == (address(rig), invitation["id"])
    again = await rig.invite(address(rig), "operator")
    assert again["id"] == invitation["id"], "who changes their mind can be asked again"
    assert (
        "Accept the invitation" in (await browser.get(await rig.invitation_link(again["id"]))).text
    )


async def test_p20_inviting_tells_nothing_of_who_is_known_elsewhere(
    rig: Rig, database: Database, workspace: Json
) -> None:
    known = address(rig, "known")
    elsewhere: Json = {
        "workspace": {"id": new_id("ws"), "name": "Elsewhere"},
        "operators": [{"id": new_id("op"), "email": known, "name": "Known There", "role": "admin"}],
    }
    await first_workspace.apply(
        UnitsOfWork(database, NAME), BootstrapFile.model_validate(elsewhere)
    )
    stranger = address(rig, "strange")

    answers = [await rig.invite(each.upper(), name="Called So") for each in (known, stranger)]

    for answer, sent in zip(answers, (known, stranger), strict=True):
        assert set(answer) == {"id", "email", "name", "role", "expires_at"}
        assert (answer["email"], answer["name"]) == (sent.upper(), "Called So")
        assert answer["id"].startswith("inv_")
    assert elsewhere["operators"][0]["id"] not in str(answers)
    assert (
        await database["memberships"].count_documents(
            {"operator_id": elsewhere["operators"][0]["id"]}
        )
        == 1
    )


async def test_who_is_known_elsewhere_keeps_the_own_name_once_they_accept(
    rig: Rig, database: Database
) -> None:
    known = address(rig, "known")
    people = [{"id": new_id("op"), "email": known, "name": "Known There", "role": "admin"}]
    elsewhere = {"workspace": {"id": new_id("ws"), "name": "Elsewhere"}, "operators": people}
    await first_workspace.apply(
        UnitsOfWork(database, NAME), BootstrapFile.model_validate(elsewhere)
    )

    member = await rig.add_member(known, name="Called So")

    assert (member["operator_id"], member["name"]) == (people[0]["id"], "Known There")


async def test_an_open_invitation_is_not_made_twice_but_sent_again_and_not_without_end(
    rig: Rig, database: Database
) -> None:
    admin, email = await rig.operator("admin"), address(rig)
    invitation = await rig.invite(email)
    path = f"/v1/invitations/{invitation['id']}"

    twice = await admin.post("/v1/members", json={"email": email, "name": "N", "role": "viewer"})
    sent = [await admin.post(f"{path}/send") for _ in range(3)]
    withdrawn = await admin.delete(path)
    anew = await admin.post("/v1/members", json={"email": email, "name": "N", "role": "viewer"})

    assert (twice.status_code, twice.json()["invitation_id"]) == (409, invitation["id"])
    assert twice.json()["type"] == "urn:tablesync:problem:already-invited"
    assert [each.status_code for each in sent] == [200, 200, 429]
    assert int(sent[-1].headers["retry-after"]) > 0
    assert withdrawn.json() == {"id": invitation["id"], "withdrawn": True}
    # To take it back and invite again is no way around it.
    assert anew.status_code == 429
    assert await mails_of(database, invitation) == [1, 2, 3]


async def test_many_workspaces_do_not_fill_one_inbox_and_none_is_told(
    rig: Rig, database: Database
) -> None:
    email = address(rig)
    row = {"email_key": email, "mailed_at": [datetime.now(UTC)], "expires_at": datetime.now(UTC)}
    await database["invitations"].insert_many(
        [{"_id": new_id("inv"), "workspace_id": new_id("ws"), **row} for _ in range(5)]
    )

    invitation = await rig.invite(email)

    assert invitation["email"] == email
    assert await mails_of(database, invitation) == []
    assert (await (await rig.operator()).get("/v1/invitations")).json()["items"] == [invitation]


@pytest.mark.parametrize("end", ["withdrawn", "expired"])
async def test_an_invitation_that_is_over_makes_nobody_a_member(
    rig: Rig, database: Database, end: str
) -> None:
    admin = await rig.operator("admin")
    invitation = await rig.invite(address(rig), "admin")
    url, path = await rig.invitation_link(invitation["id"]), f"/v1/invitations/{invitation['id']}"
    row = await stored(database, "invitations", invitation["id"])
    assert timedelta(days=6, hours=23) < row["expires_at"] - datetime.now(UTC)
    if end == "withdrawn":
        (await admin.delete(path)).raise_for_status()
    else:
        past = {"$set": {"expires_at": datetime.now(UTC) - timedelta(seconds=1)}}
        await database["invitations"].update_one({"_id": invitation["id"]}, past)

    pages = [await rig.client().get(url), await rig.client().post(url)]
    link = await rig.service("notifier").post(
        f"/internal/v1/invitations/{invitation['id']}/links",
        json={"workspace_id": rig.workspace_id},
    )

    assert [each.status_code for each in pages] == [410, 410]
    assert all(
        {"withdrawn": "taken back", "expired": "expired"}[end] in each.text for each in pages
    )
    assert all("<form" not in each.text for each in pages)
    assert link.status_code == 404
    assert [
        (await admin.post(f"{path}/send")).status_code,
        (await admin.delete(path)).status_code,
    ] == [
        404,
        404,
    ]
    assert len((await admin.get("/v1/members")).json()["items"]) == 3


async def test_p20_who_left_brings_nobody_in_by_an_earlier_invitation(
    rig: Rig, database: Database
) -> None:
    other = await rig.add_member(address(rig, "other"), "admin")
    invitation = await rig.invite(address(rig, "friend"), "admin")
    url = await rig.invitation_link(invitation["id"])
    await database["memberships"].update_one(
        {"_id": f"{rig.workspace_id}/{rig.person('operator')['id']}"}, {"$set": {"role": 3}}
    )
    remaining = rig.client(headers={"Authorization": f"Bearer {await rig.user_token('operator')}"})
    (await remaining.delete(f"/v1/members/{rig.person('admin')['id']}")).raise_for_status()

    assert "taken back" in (await rig.client().post(url)).text
    members = (await remaining.get("/v1/members")).json()["items"]
    assert {each["operator_id"] for each in members if each["role"] == "admin"} == {
        other["operator_id"],
        rig.person("operator")["id"],
    }


async def test_a_removed_member_can_be_invited_again_and_old_links_lead_nowhere(rig: Rig) -> None:
    admin, email = await rig.operator("admin"), address(rig)
    invitation = await rig.invite(email)
    old = await rig.invitation_link(invitation["id"])
    await press(rig.client(), old)
    (member,) = [
        each for each in (await admin.get("/v1/members")).json()["items"] if each["email"] == email
    ]
    (await admin.delete(f"/v1/members/{member['operator_id']}")).raise_for_status()

    again = await rig.invite(email, "operator")

    assert (await rig.client().post(old)).status_code == 404
    assert email not in (await admin.get("/v1/members")).text
    await press(rig.client(), await rig.invitation_link(again["id"]))
    assert email in (await admin.get("/v1/members")).text


async def test_p20_invitations_of_others_are_unknown(rig: Rig, start: Start) -> None:
    invitation = await rig.invite(address(rig))
    path = f"/v1/invitations/{invitation['id']}"
    operator, admin = await rig.operator("operator"), await rig.operator("admin")

    assert (await operator.get("/v1/invitations")).status_code == 403
    for method, each in (("DELETE", path), ("POST", f"{path}/send")):
        assert (await operator.request(method, each)).status_code == 403
    link = f"/internal{path}/links"
    foreign = {"workspace_id": new_id("ws")}
    assert (await rig.service("notifier").post(link, json=foreign)).status_code == 404
    own = {"workspace_id": rig.workspace_id}
    assert (await rig.service("scheduler").post(link, json=own)).status_code == 403
    assert (await admin.delete("/v1/invitations/inv_unknown")).status_code == 404
    assert (await rig.client().get("/invitations/nonsense")).status_code == 404
    assert (await rig.client().post("/invitations/nonsense")).status_code == 404


async def test_invitations_come_in_pages(rig: Rig) -> None:
    made = [await rig.invite(address(rig, f"p{number}")) for number in range(3)]

    pages = await pages_of(await rig.operator("admin"), "/v1/invitations", limit=2)

    assert [len(each) for each in pages] == [2, 1]
    assert [each for page in pages for each in page] == made


@pytest.mark.parametrize(
    "email", ["a@b.test>", "a,b@c.test", "a@b.test\x00", 'a"@b.test', "a b@c.d"]
)
async def test_p21_an_address_that_a_header_reads_otherwise_is_refused(
    rig: Rig, email: str
) -> None:
    answer = await (await rig.operator("admin")).post(
        "/v1/members", json={"email": email, "name": "N", "role": "viewer"}
    )

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "email"
