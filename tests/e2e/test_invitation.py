"""Somebody new: invited by an admin, mailed, and a member once the mail's button is pressed."""

from typing import Any

import httpx
import pytest
from tablesync.demo.api import Api
from tablesync.demo.story import button_of
from tablesync.local_stack import LocalStack
from tablesync.test_kit import SandboxControl, eventually, press

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

NORA = "newcomer@example.test"


async def test_p20_an_invitation_reaches_its_inbox_and_its_button_makes_a_member(
    stack: LocalStack,
) -> None:
    info = stack.info
    assert info.sandbox
    api = Api(info.urls, info.api_token)
    new = {"email": NORA, "name": "Nora", "role": "viewer"}
    async with (
        SandboxControl(info.sandbox) as sandbox,
        httpx.AsyncClient(trust_env=False, timeout=30) as browser,
    ):

        async def arrived() -> list[dict[str, Any]]:
            return await sandbox.messages(NORA)

        await api.post("auth-service", "/v1/members", new)
        (mail,) = await eventually(arrived, timeout=60)
        before = await api.items("auth-service", "/v1/members")
        done = await press(browser, button_of(mail["html"]))
        after = await api.items("auth-service", "/v1/members")
        others = [each for each in await sandbox.messages() if each not in await arrived()]
    await api.close()

    assert "invites you to" in mail["subject"]
    assert NORA not in [each["email"] for each in before]
    assert "You are a member of" in done.text
    assert [each["role"] for each in after if each["email"] == NORA] == ["viewer"]
    assert others == []
