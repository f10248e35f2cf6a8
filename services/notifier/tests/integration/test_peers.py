"""What peers answer: by the contract, also from a neighbouring version, or later."""

import pytest
from fastapi.responses import JSONResponse, Response
from mail_catcher import recipient_of
from notifier_rig import Rig, held_sync
from tablesync.contracts import ConnectionRevoked
from tablesync.contracts.internal_api import STATES_LIMIT

pytestmark = pytest.mark.integration


async def test_a_recipient_who_cannot_be_read_spoils_nobody_elses_mail(rig: Rig) -> None:
    ada, eve = (
        {"operator_id": f"op_{each}", "email": f"{each}@x.test", "name": each}
        for each in ("ada", "eve")
    )
    answer = JSONResponse({"items": [ada, {**eve, "role": "auditor"}]})
    rig.auth.answer_with("/recipients", answer)
    async with rig.working():
        await rig.take(rig.events.connection(ConnectionRevoked))
        (mail,) = await rig.mail_came("revocation")
    assert recipient_of(mail) == "eve@x.test"


async def test_recipients_none_of_whom_can_be_read_are_asked_for_again(rig: Rig) -> None:
    """No mail is given up for want of a reader."""
    rig.auth.answer_with("/recipients", JSONResponse({"items": [{"email": "a@x.test"}]}))
    async with rig.working():
        await rig.take(rig.events.connection(ConnectionRevoked))
        await rig.mail_came("revocation")
    assert rig.auth.times("/recipients") == 2


async def test_a_list_that_lacks_a_sync_is_no_list(rig: Rig) -> None:
    """A mail that counts too few, or says that all have caught up, would be wrong for ever."""
    good, strange = (held_sync(each).model_dump(mode="json", by_alias=True) for each in "ab")
    strange["status"] = "dreaming"
    answer = JSONResponse({"items": [strange, good, None], "later": True})
    rig.scheduler.answer_with("/affected-syncs", answer)
    async with rig.working():
        await rig.take(rig.events.connection(ConnectionRevoked))
        await rig.mail_came("revocation")
    assert rig.scheduler.times("/affected-syncs") == 2


@pytest.mark.parametrize(
    "answer",
    [
        Response("<html>", 502),
        Response("<html>", 200),
        JSONResponse({"detail": "busy"}, 503, headers={"Retry-After": "1"}),
        JSONResponse([]),
        JSONResponse({"items": None}),
    ],
)
async def test_what_is_no_answer_means_later(rig: Rig, answer: Response) -> None:
    rig.auth.answer_with("/recipients", answer)
    async with rig.working():
        await rig.take(rig.events.connection(ConnectionRevoked))
        await rig.mail_came("revocation")
    assert rig.auth.times("/recipients") == 2


async def test_states_are_read_to_the_last_page_past_what_cannot_be_read(rig: Rig) -> None:
    """A full page of which nothing can be read is no end: a newer version may have written it."""
    lost = rig.events.connection(ConnectionRevoked)
    state = lost.model_dump(mode="json")
    first = lost.sequence - STATES_LIMIT
    strange = [{**state, "provider": "moon", "sequence": first + n} for n in range(STATES_LIMIT)]
    rig.auth.answer_with("/connections", JSONResponse({"items": strange}))
    rig.auth.know(lost)
    async with rig.running("worker", "ticker"):
        await rig.mail_came("revocation")
    asked = [each.query for each in rig.auth.asked if each.path.endswith("/connections")]
    assert [query["since_sequence"] for query in asked] == ["0", str(lost.sequence - 1)]
    assert asked[0]["limit"] == str(STATES_LIMIT)
