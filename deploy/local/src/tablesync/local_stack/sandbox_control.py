"""The sandbox's control API and ground truth, as a test uses them."""

from collections.abc import Mapping
from typing import Any, Self

import httpx
from tablesync.local_stack.loopback import NO_TLS

Json = dict[str, Any]


class SandboxControl:
    """Steers one running sandbox: faults, tokens, records and mails over its HTTP control API."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._http = httpx.AsyncClient(base_url=self.url, timeout=30, verify=NO_TLS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def control(self, provider: str, account: str, action: str, /, **body: Any) -> Json:
        """Do one control action; `-` as the account means the provider as a whole."""
        return await self._call("POST", f"/_control/{provider}/{account}/{action}", json=body)

    async def answer(self, provider: str, **body: Any) -> Json:
        """Answer the next authorize requests at once, as this user, without a page."""
        return await self.control(provider, "-", "answer", **body)

    async def mint(self, provider: str, account: str, **body: Any) -> Json:
        """Return tokens without OAuth: `access_token`, `refresh_token`, `account`."""
        return await self.control(provider, account, "mint", **body)

    async def counters(self) -> Json:
        """Read what the sandbox counted, by provider."""
        return await self._call("GET", "/_control/counters")

    async def reset_counters(self) -> Json:
        """Start counting from zero."""
        return await self._call("POST", "/_control/counters/reset")

    async def log(self, **query: str | int | float) -> Json:
        """Read the recent requests that providers saw."""
        return await self._call("GET", "/_control/log", params=query)

    async def bases(self) -> Json:
        """Read every Airtable base with its tables and fields."""
        return await self._call("GET", "/_control/bases")

    async def records(self, provider: str, account: str, **query: str) -> list[Json]:
        """Read true records, by `object=` at HubSpot, by `base=` and `table=` at Airtable."""
        path = f"/_control/{provider}/{account}/records"
        found: list[Json] = (await self._call("GET", path, params=query))["records"]
        return found

    async def messages(self, to: str | None = None) -> list[Json]:
        """Read the mails caught so far, all or those to one address."""
        query = {"to": to} if to else {}
        found: list[Json] = (await self._call("GET", "/mail/api/messages", params=query))[
            "messages"
        ]
        return found

    async def reset(self) -> None:
        """Put providers, counters and the mailbox back to where they began."""
        await self._call("POST", "/_control/reset")
        await self._call("DELETE", "/mail/api/messages")

    async def _call(
        self,
        method: str,
        path: str,
        json: Any = None,
        params: Mapping[str, str | int | float] | None = None,
    ) -> Json:
        response = await self._http.request(method, path, json=json, params=params)
        if response.is_error:
            raise AssertionError(f"{method} {path}: {response.status_code} {response.text[:500]}")
        return response.json() if response.content else {}
