"""Somebody new: invited by an admin, mailed, and a member once the mail's button is pressed."""

from typing import Any

import httpx
import pytest
from tablesync.demo.api import Api
from tablesync.demo.story import button_of
from tablesync.test_kit import eventually, press

from .newcomers import Newcomer

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

NORA = "newcomer@example.test"


async def test_p20_an_invitation_reaches_its_inbox_and_its_button_makes_a_member(
    ada: Newcomer,
) -> None:
    api = Api(ada.info.urls, ada.info.api_token)
    new = {"email": NORA, "name": "Nora", "role": "viewer"}

    async def arrived() -> list[dict[str, Any]]:
        return await ada.sandbox.messages(NORA)

    async with httpx.AsyncClient(trust_env=False, timeout=30) as browser:
        await api.post("auth-service", "/v1/members", new)
        (mail,) = await eventually(arrived, timeout=60)
        before = await api.items("auth-service", "/v1/members")
        done = await press(browser, button_of(mail["html"]))
        after = await api.items("auth-service", "/v1/members")
        to_ada = await ada.sandbox.messages()
    await api.close()

    assert "invites you to" in mail["subject"]
    assert NORA not in [each["email"] for each in before]
    assert "You are a member of" in done.text
    assert [each["role"] for each in after if each["email"] == NORA] == ["viewer"]
    assert to_ada == []
