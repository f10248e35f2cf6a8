"""Members: added, removed, listed, and who of them is told."""

import pytest
from auth_service_rig import Rig, events_of, pages_of, stored
from tablesync.auth_service import audit
from tablesync.contracts.member_events import MemberRemoved, MemberRoleChanged
from tablesync.service_kit.mongo import Database


async def test_members_are_added_and_removed_by_admins(rig: Rig) -> None:
    admin = await rig.operator("admin")
    email = f"New-{rig.workspace_id}@Example.test"

    added = await rig.add_member(email)
    new = {"email": email.lower(), "name": "Nia", "role": "viewer"}
    again = await admin.post("/v1/members", json=new)
    listed = (await admin.get("/v1/members")).json()["items"]
    removed = await admin.delete(f"/v1/members/{added['operator_id']}")

    assert again.status_code == 409
    assert again.json()["type"] == "urn:tablesync:problem:already-a-member"
    assert added["operator_id"] in [each["operator_id"] for each in listed]
    assert removed.status_code == 200
    assert (await admin.delete(f"/v1/members/{added['operator_id']}")).status_code == 404


HIDDEN = [
    "ad\u00admin@example.test",
    "admin\ufe0f@example.test",
    "a\U000e0061dmin@example.test",
    "admin@example\u3164.test",
    "ad\u200bmin@example.test",
]


@pytest.mark.parametrize(
    "email",
    ["a@b.test>", "<a@b.test", "a@b@c.test", "a b@c.test", "a@b.test,c@d.test", "a@b.test\u202e",
     "a@b.test/x", '"a"@b.test', "a@", "a\x00@b.test", "a" * 250 + "@b.test"],
)  # fmt: skip
async def test_p21_an_address_that_ends_early_in_a_header_is_refused(rig: Rig, email: str) -> None:
    admin = await rig.operator("admin")
    member = {"email": email, "name": "Nia", "role": "viewer"}
    answer = await admin.post("/v1/members", json=member)
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["errors"]] == ["email"]


@pytest.mark.parametrize("email", HIDDEN)
async def test_p21_an_address_that_hides_a_character_is_refused_with_the_remedy(
    rig: Rig, email: str
) -> None:
    """Else somebody could invite, and a page would show, an address that looks like another's."""
    admin = await rig.operator("admin")
    answer = await admin.post("/v1/members", json={"email": email, "name": "Nia", "role": "viewer"})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == "email"
    assert "is not seen" in error["message"]
    assert error["remedy"].startswith("Leave that character out")


async def test_an_address_in_another_script_is_invited(rig: Rig) -> None:
    admin = await rig.operator("admin")
    member = {"email": "zoë@пример.test", "name": "Zoë", "role": "viewer"}
    answer = await admin.post("/v1/members", json=member)
    assert (answer.status_code, answer.json()["email"]) == (201, member["email"])


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("  ", "at least one character"),
        ("a\u0000b", "one line"),
        ("a\u2028b", "one line"),
        ("Evil\r\nBcc: x@y.z", "one line"),
        ("\u200b\u2060", "letter, digit, symbol or emoji"),
        ("\u2800", "letter, digit, symbol or emoji"),
        ("a\u202eb", "Leave that character out"),
        ("a\u200bb", "Leave that character out"),
    ],
)
async def test_p21_names_that_show_nothing_or_are_not_on_one_line_are_refused(
    rig: Rig, name: str, remedy: str
) -> None:
    admin = await rig.operator("admin")
    member = {"email": "new@example.test", "name": name, "role": "viewer"}

    answers = [
        await admin.post("/v1/members", json=member),
        await admin.post("/v1/api-tokens", json={"name": name}),
        await admin.post("/v1/workspaces", json={"name": name}),
    ]

    assert [each.status_code for each in answers] == [422, 422, 422]
    for answer in answers:
        (error,) = answer.json()["errors"]
        assert error["field"] == "name"
        assert remedy in error["remedy"]


async def test_a_name_in_any_script_is_kept(rig: Rig) -> None:
    admin = await rig.operator("admin")
    member = {"email": "zoe@example.test", "name": " Ζωή 👩‍👩‍👧\n", "role": "viewer"}

    assert (await admin.post("/v1/members", json=member)).json()["name"] == "Ζωή 👩‍👩‍👧"


async def test_the_last_admin_stays(rig: Rig) -> None:
    admin = await rig.operator("admin")

    answer = await admin.delete(f"/v1/members/{rig.person('admin')['id']}")

    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:tablesync:problem:last-admin"


async def test_a_role_is_changed_by_admins_and_told(rig: Rig, database: Database) -> None:
    admin, operator = await rig.operator("admin"), rig.person("operator")
    path = f"/v1/members/{operator['id']}"

    changed = await admin.patch(path, json={"role": "admin"})
    again = await admin.patch(path, json={"role": "admin"})

    member = {"operator_id": operator["id"], "email": operator["email"], "name": operator["name"]}
    assert (changed.status_code, again.status_code) == (200, 200)
    assert changed.json() == again.json() == {**member, "role": "admin"}
    assert changed.json() in (await admin.get("/v1/members")).json()["items"]
    ours = {"workspace_id": rig.workspace_id, "action": "member.role-changed"}
    (entry,) = await database["audit"].find(ours).to_list(None)
    assert (entry["subject"], entry["detail"]) == (
        operator["id"],
        {"role": "ADMIN", "before": "OPERATOR"},
    )
    assert await audit.verify(database, rig.workspace_id) is None
    told = await events_of(database, MemberRoleChanged)
    assert [each for each in told if each["operator_id"] == operator["id"]] == [
        {
            "workspace_id": rig.workspace_id,
            "operator_id": operator["id"],
            "role": "admin",
            "previous_role": "operator",
            "changed_by": rig.person("admin")["id"],
        }
    ]


async def test_a_removal_is_told(rig: Rig, database: Database) -> None:
    admin, viewer = await rig.operator("admin"), rig.person("viewer")

    (await admin.delete(f"/v1/members/{viewer['id']}")).raise_for_status()
    assert (await admin.delete(f"/v1/members/{viewer['id']}")).status_code == 404

    told = await events_of(database, MemberRemoved)
    assert [each for each in told if each["operator_id"] == viewer["id"]] == [
        {
            "workspace_id": rig.workspace_id,
            "operator_id": viewer["id"],
            "removed_by": rig.person("admin")["id"],
        }
    ]


@pytest.mark.parametrize(
    ("role", "invites", "connects"),
    [("operator", False, True), ("viewer", False, False)],
)
async def test_p20_with_a_role_ends_what_it_alone_allowed(
    rig: Rig, role: str, invites: bool, connects: bool
) -> None:
    admin, person = await rig.operator("admin"), rig.person("operator")
    path = f"/v1/members/{person['id']}"
    (await admin.patch(path, json={"role": "admin"})).raise_for_status()
    token = await rig.user_token("operator")
    demoted = rig.client(headers={"Authorization": f"Bearer {token}"})
    friend = {"email": f"f-{rig.workspace_id}@example.test", "name": "F", "role": "admin"}
    invitation = (await demoted.post("/v1/members", json=friend)).json()
    attempt = (await demoted.post("/v1/authorizations", json={"provider": "hubspot"})).json()

    (await admin.patch(path, json={"role": role})).raise_for_status()

    listed = (await admin.get("/v1/invitations")).json()["items"]
    assert (invitation in listed) is invites
    opened = await rig.client().get(attempt["start_url"])
    assert (opened.status_code == 200) is connects
    again = await demoted.post("/v1/authorizations", json={"provider": "hubspot"})
    assert (again.status_code == 201) is connects
    assert (await demoted.patch(path, json={"role": "admin"})).status_code == 403
    signed_in = await rig.client().post("/v1/tokens", json={"api_token": rig.api_token("operator")})
    assert signed_in.json()["role"] == role


async def test_who_may_change_roles_and_whose(rig: Rig) -> None:
    admin, operator = await rig.operator("admin"), await rig.operator("operator")
    own = f"/v1/members/{rig.person('admin')['id']}"

    last = await admin.patch(own, json={"role": "operator"})
    unknown = await admin.patch("/v1/members/op_unknown", json={"role": "viewer"})
    by_operator = await operator.patch(own, json={"role": "viewer"})
    strange = await admin.patch(own, json={"role": "owner"})

    assert (last.status_code, last.json()["type"]) == (409, "urn:tablesync:problem:last-admin")
    assert unknown.json()["detail"] == "There is no such member in this workspace."
    statuses = [each.status_code for each in (unknown, by_operator, strange)]
    assert statuses == [404, 403, 422]


async def test_roles_are_kept(rig: Rig) -> None:
    viewer = await rig.operator("viewer")
    new = {"email": "x@example.test", "name": "X", "role": "admin"}

    assert (await viewer.get("/v1/connections")).status_code == 200
    assert (await viewer.post("/v1/members", json=new)).status_code == 403
    assert (
        await viewer.post("/v1/authorizations", json={"provider": "hubspot"})
    ).status_code == 403


async def test_members_come_in_pages_with_the_highest_role_first(rig: Rig) -> None:
    admin = await rig.operator("admin")
    for number in range(3):
        await rig.add_member(f"{number}-{rig.workspace_id}@example.test")

    whole = (await admin.get("/v1/members")).json()
    pages = await pages_of(admin, "/v1/members", limit=2)

    assert [len(each) for each in pages] == [2, 2, 2]
    assert [each for page in pages for each in page] == whole["items"]
    assert whole["next_cursor"] is None
    assert [each["role"] for each in whole["items"]] == ["admin", "operator", *["viewer"] * 4]


async def test_recipients_are_the_admins_where_the_owner_is_gone(rig: Rig) -> None:
    notifier = rig.service("notifier")
    path = f"/internal/v1/workspaces/{rig.workspace_id}/recipients"

    owned = await notifier.get(path, params={"owner_id": rig.person("viewer")["id"]})
    orphaned = await notifier.get(path, params={"owner_id": "op_gone"})

    assert [each["role"] for each in owned.json()["items"]] == ["viewer", "admin"]
    assert [each["role"] for each in orphaned.json()["items"]] == ["admin"]


async def test_an_owner_who_is_an_admin_is_told_first_and_once(rig: Rig) -> None:
    notifier = rig.service("notifier")
    addresses = [f"a{number}-{rig.workspace_id}@example.test" for number in range(2)]
    added = [await rig.add_member(each, "admin") for each in addresses]
    owner = added[1]["operator_id"]

    path = f"/internal/v1/workspaces/{rig.workspace_id}/recipients"
    told = (await notifier.get(path, params={"owner_id": owner})).json()["items"]

    ids = [each["operator_id"] for each in told]
    assert ids[0] == owner
    assert sorted(ids) == sorted({owner, added[0]["operator_id"], rig.person("admin")["id"]})


async def test_a_membership_is_stored_as_ever(rig: Rig, database: Database) -> None:
    person = rig.person("operator")
    id_ = f"{rig.workspace_id}/{person['id']}"

    assert await stored(database, "memberships", id_) == {
        "_id": id_,
        "workspace_id": rig.workspace_id,
        "operator_id": person["id"],
        "role": 2,
    }
    assert await stored(database, "operators", person["id"]) == {
        "_id": person["id"],
        "email": person["email"],
        "email_key": person["email"].lower(),
        "name": person["name"],
        "platform": person.get("platform", False),
    }
