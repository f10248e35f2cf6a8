"""One attempt to connect, step by step, as tests take it: begun, at the provider, come back."""

from typing import Any

import httpx
from auth_service_rig import Rig
from tablesync.test_kit import press

PROVIDERS = ("hubspot", "airtable")


async def begin(rig: Rig, provider: str, **body: Any) -> dict[str, str]:
    operator = await rig.operator()
    answer = await operator.post("/v1/authorizations", json={"provider": provider, **body})
    return answer.raise_for_status().json()  # type: ignore[no-any-return]


async def outcome(rig: Rig, attempt: dict[str, str]) -> dict[str, Any]:
    answer = await (await rig.operator()).get(f"/v1/authorizations/{attempt['id']}")
    return answer.raise_for_status().json()  # type: ignore[no-any-return]


async def leave(rig: Rig, attempt: dict[str, str]) -> tuple[httpx.AsyncClient, str]:
    """Go to the provider's page; return the browser and the page's address."""
    browser = rig.client()
    answer = await press(browser, attempt["start_url"])
    assert answer.status_code == 303
    return browser, answer.headers["location"]


async def come_back(rig: Rig, attempt: dict[str, str], provider: str) -> tuple[Any, str]:
    """Let the sandbox allow; return the browser and the callback it is sent to."""
    browser, page = await leave(rig, attempt)
    user = {"user": "ada@acme.test", "decision": "allow"}
    await rig.sandbox.answer(provider, **user)
    answer = await browser.get(page)
    assert answer.status_code in (302, 303), answer.text
    return browser, answer.headers["location"]
