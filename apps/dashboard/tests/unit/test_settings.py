"""Settings in words: roles, browsers, sign-ins, invitations, and what was done by whom."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dashboard_examples import like
from fastapi import Request
from pydantic import SecretStr
from tablesync.client import ForbiddenError, ProblemError, SessionToken, TableSync
from tablesync.client.errors import Problem
from tablesync.contracts.public_api.connections import ConnectionName
from tablesync.contracts.public_api.incidents import PreferencesView
from tablesync.contracts.public_api.people import (
    AuditEntry,
    InvitationView,
    MemberView,
    SessionView,
    UserToken,
)
from tablesync.dashboard.pages.settings.members import refused
from tablesync.dashboard.shown.times import Clock, zone_names
from tablesync.dashboard.shown.workspace import people
from tablesync.dashboard.shown.workspace.audit import Audited, Auditing
from tablesync.dashboard.web.desk import Asked, PageContext
from tablesync.dashboard.web.forms import Form
from tablesync.dashboard.web.rendering import Rendering
from tablesync.dashboard.web.silences import Silent
from tablesync.dashboard.web.visitors import Visitor

CLOCK = Clock(datetime(2026, 11, 27, 12, tzinfo=UTC), ZoneInfo("UTC"))
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/141.0 Safari/537.36"


def page(*, admin: bool) -> PageContext:
    session, who = SecretStr("session"), like(UserToken, session_id="ses_here")
    visitor = Visitor(TableSync({}, SessionToken(session)), who, session)
    asked = Asked(Request({"type": "http"}), visitor, "ws_1", CLOCK)
    return PageContext(asked, may_operate=admin, may_administer=admin, csrf="", once="")


def settings(*, admin: bool, **values: Any) -> str:
    context = page(admin=admin)
    here = like(SessionView, id="ses_here", device=CHROME)
    given: dict[str, Any] = {"preferences": like(PreferencesView), "new_token": None, **values}
    return Rendering("test").text(
        "pages/settings.html",
        page=context,
        clock=CLOCK,
        flash=None,
        here="",
        sandbox=False,
        members=[like(MemberView), like(MemberView, operator_id="op_2", name="Bob")],
        tokens=[],
        sessions=[here, like(SessionView, id="ses_elsewhere")],
        invitations=[like(InvitationView)] if admin else [],
        who=context.asked.visitor.who,
        form=Form(),
        zones=zone_names(),
        chosen_zone="Asia/Tokyo",
        **given,
    )


def test_an_admin_asks_before_removing_and_can_take_an_invitation_back() -> None:
    shown = settings(admin=True)
    assert 'href="/w/ws_1/settings/members/op_2/remove"' in shown
    assert 'action="/w/ws_1/settings/members/op_2/remove"' not in shown
    invitation = like(InvitationView)
    for act in ("send", "withdraw"):
        assert f'action="/w/ws_1/settings/invitations/{invitation.id}/{act}"' in shown
    assert 'href="/w/ws_1/settings/audit"' in shown


def test_a_viewer_is_offered_nothing_of_an_admin() -> None:
    shown = settings(admin=False)
    for each in ("/remove", "/role", "/invitations/", "/audit", "Invite somebody"):
        assert each not in shown, each


def test_one_sign_in_can_be_ended_alone_but_for_the_one_in_use() -> None:
    shown = settings(admin=False)
    assert 'action="/w/ws_1/settings/sessions/ses_elsewhere/end"' in shown
    assert "ses_here/end" not in shown
    assert "Chrome on Linux (here)" in shown


def test_a_new_token_is_shown_its_only_time_also_while_notifier_is_silent() -> None:
    shown = settings(admin=False, preferences=Silent("notifier"), new_token="tsk_new")
    assert "tsk_new" in shown
    assert "notifier has not answered since" in shown
    assert 'name="mails"' not in shown


def test_the_head_says_which_workspace_it_is_and_who_is_signed_in() -> None:
    shown = settings(admin=False)
    for each in ("Workspace:</span>", ">Acme</span>", "ada@acme.example", "Operator"):
        assert each in shown.partition("<main")[0], each


def test_roles_and_browsers_are_in_words() -> None:
    assert people.role("OPERATOR") == people.role("operator") == "Operator"
    assert people.role("of_tomorrow") == "Of tomorrow"
    assert people.device("curl/8.0") == "curl/8.0"
    assert people.device("") == "Unknown browser"
    assert people.device(f"{CHROME} Edg/141.0") == "Edge on Linux"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"action": "connection.revoked", "detail": {"cause": "app_uninstalled"}},
            ("Found the connection lost", "The TableSync app was uninstalled at HubSpot."),
        ),
        (
            {"action": "member.role-changed", "detail": {"before": "ADMIN", "role": "VIEWER"}},
            ("Changed a role", "From Admin to Viewer"),
        ),
        ({"action": "of.to-morrow"}, ("of: to morrow", "")),
    ],
)
def test_what_was_done_is_told_in_words(changes: dict[str, Any], told: tuple[str, str]) -> None:
    entry = audited(**changes)
    assert (entry.what, entry.more) == told


def test_what_was_done_by_a_link_was_done_by_whom_it_was_mailed_to() -> None:
    assert audited(actor=None, actor_id="auth-service").who == "TableSync"
    assert audited(actor=None, actor_id="eve@acme.example").who == "eve@acme.example"
    recipient = like(MemberView).operator_id
    linked = audited(actor=None, actor_id="link", detail={"recipient": recipient})
    assert linked.who == like(MemberView).name


def audited(**changes: Any) -> Audited:
    connection = ConnectionName(id="con_1", provider="hubspot", name="Acme")
    entry = like(AuditEntry, subject=connection.id, **changes)
    return Auditing([connection], [like(MemberView)]).told(entry)


def test_an_invitation_that_is_refused_keeps_what_was_typed() -> None:
    typed = Form({"email": "vera@acme.test"})
    too_many = ProblemError("auth-service", Problem(429, "too_many", "Ten a minute are enough."))
    form, status = refused(typed, too_many)
    assert (form.values, form.errors, status) == (typed.values, {"": too_many.problem.detail}, 429)
    with pytest.raises(ForbiddenError):
        refused(typed, ForbiddenError("auth-service", Problem(403, "forbidden", "No.")))


def test_a_part_is_another_for_somebody_who_may_do_less_than_before() -> None:
    """Its buttons are part of it: those of a member who was demoted go."""
    admin, viewer = page(admin=True), page(admin=False)
    operator = replace(viewer, may_operate=True)
    assert len({each.version("same") for each in (admin, operator, viewer)}) == 3


@pytest.mark.parametrize(
    ("name", "told"),
    [("Ada Lovelace", "AL"), ("Ada", "A"), ("ada van den berg", "AB"), ("👩‍🚀 ", ""), ("", "")],
)
def test_somebody_is_told_by_their_initials(name: str, told: str) -> None:
    assert people.initials(name) == told
