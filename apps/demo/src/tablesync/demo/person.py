"""The person at the browser: connects accounts, opens the mail's link, presses its button."""

from typing import Any

import httpx
from tablesync.demo.api import Api
from tablesync.local_stack.button import press
from tablesync.local_stack.sandbox_control import SandboxControl


class Person:
    """One browser with its cookies; the sandbox answers the consent pages for it."""

    def __init__(self, api: Api, sandbox: SandboxControl) -> None:
        self._api = api
        self._sandbox = sandbox
        self._browser = httpx.AsyncClient(timeout=15.0, follow_redirects=True, trust_env=False)

    async def connect(
        self, provider: str, account: str | None = None, connection_id: str | None = None
    ) -> dict[str, Any]:
        """Go through one authorization; return its outcome as the API tells it."""
        body = {"provider": provider}
        if connection_id:
            body["connection_id"] = connection_id
        started = await self._api.post("auth-service", "/v1/authorizations", body)
        await self._will_choose(provider, account)
        await press(self._browser, started["start_url"])
        outcome = await self._api.get("auth-service", f"/v1/authorizations/{started['id']}")
        return dict(outcome)

    async def press_reconnect(self, link: str, provider: str, account: str) -> str:
        """Open the mail's link, press the page's button, consent; return the last page's text."""
        await self._will_choose(provider, account)
        done = await press(self._browser, link)
        done.raise_for_status()
        return done.text

    async def close(self) -> None:
        """Close the browser."""
        await self._browser.aclose()

    async def _will_choose(self, provider: str, account: str | None) -> None:
        bases = {"bases": "all"} if provider == "airtable" else {}
        await self._sandbox.answer(
            provider, user="ada@acme.test", account=account, decision="allow", times=1, **bases
        )
