"""Invitations: one mail for each time one is sent, to one who is nobody here yet."""

from typing import Any

import pytest
from mail_catcher import html_of, recipient_of, text_of
from notifier_rig import Rig
from tablesync.contracts import MemberInvited
from tablesync.contracts.internal_api import Inviter

pytestmark = pytest.mark.integration


def invited(mail_number: int = 1) -> MemberInvited:
    return MemberInvited(
        workspace_id="ws_1",
        invitation_id="inv_1",
        role="operator",
        invited_by="op_eve",
        mail_number=mail_number,
    )


async def test_who_is_invited_is_mailed_who_asks_where_and_one_fresh_link(rig: Rig) -> None:
    names: dict[str, Any] = {"workspace_name": "Ä & <b>Co</b>", "name": "Ζωή"}
    eve = Inviter(email="eve@acme.test", name="Eve\u202e <i>")
    rig.auth.invite("ws_1", "inv_1", **names, invited_by=eve)
    async with rig.working():
        await rig.take(invited(), invited())
        (mail,) = await rig.mail_came("invitation")
        await rig.jobs_rest()

    (link,) = rig.auth.links
    text, html = text_of(mail), html_of(mail)
    assert recipient_of(mail) == "grace@acme.test"
    assert mail["Subject"] == "Eve <i> invites you to “Ä & <b>Co</b>” in TableSync"
    assert link in text.splitlines()
    assert f'<a class="button" href="{link}"' in html
    for part in (text, html):
        assert "eve@acme.test" in part
        assert "as operator" in part
    assert "Ä &amp; &lt;b&gt;Co&lt;/b&gt;" in html
    assert len(rig.smtp.of("invitation")) == 1


async def test_p12_each_sending_is_one_mail_however_often_it_is_told(rig: Rig) -> None:
    rig.auth.invite("ws_1", "inv_1")
    async with rig.working():
        await rig.take(invited(1), invited(2), invited(1), invited(2))
        await rig.mail_came("invitation", 2)
        await rig.jobs_rest()

    assert len(rig.smtp.of("invitation")) == 2
    assert len({mail["Message-ID"] for mail in rig.smtp.of("invitation")}) == 2


async def test_an_invitation_that_is_over_is_not_mailed(rig: Rig) -> None:
    async with rig.working():
        await rig.take(invited())
        await rig.job_is({"kind": "invitation", "status": "cancelled"})

    assert rig.smtp.of("invitation") == []


async def test_an_invitation_waits_for_auth_service(rig: Rig) -> None:
    await rig.auth.stop()
    async with rig.working():
        await rig.take(invited())
        await rig.job_is({"kind": "invitation", "attempts": {"$gte": 1}, "status": "pending"})


async def test_who_wants_no_more_mails_is_not_invited_there_again(rig: Rig) -> None:
    rig.auth.invite("ws_1", "inv_1")
    async with rig.running("api", "worker"):
        await rig.take(invited(1))
        (mail,) = await rig.mail_came("invitation")
        unsubscribe = mail["List-Unsubscribe"].strip("<>").partition("/unsubscribe/")[2]
        answer = await rig.call("POST", f"/unsubscribe/{unsubscribe}", workspace=None)
        await rig.take(invited(2))
        await rig.job_is({"_id": "inv_1/invitation-2", "status": "unwanted"})

    assert answer.is_success
    assert len(rig.smtp.of("invitation")) == 1


async def test_p20_an_invitation_is_no_incident(rig: Rig) -> None:
    rig.auth.invite("ws_1", "inv_1")
    async with rig.working():
        await rig.take(invited())
        await rig.mail_came("invitation")
        assert await rig.incidents() == []
