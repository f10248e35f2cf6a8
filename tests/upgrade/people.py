"""Operators of the dump's workspaces, and what opens their accounts: made for the dump alone."""

import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import httpx

# A user JWT lives five minutes; a fresh one is taken well before.
JWT_SECONDS = 120.0
# How a page says where the list goes on, and how that is asked for.
PAGES = {"next_cursor": "cursor", "next": "from"}
ROLES = ("admin", "operator", "viewer")


def api_token(number: int, role: str) -> str:
    """Return the API token of a workspace's first operator of this role."""
    return f"only-for-the-upgrade-test-{number:03}-{role}".ljust(48, "-")


class Operator:
    """One operator's requests to the public APIs of the four services."""

    def __init__(self, http: httpx.AsyncClient, urls: Mapping[str, str], token: str) -> None:
        self._http = http
        self._urls = urls
        self._token = token
        self._headers: dict[str, str] = {}
        self._renew_at = 0.0

    async def get(self, service: str, path: str, **params: str) -> Any:
        """GET a route; raises httpx.HTTPStatusError for anything but success."""
        return await self._call("GET", service, path, params=params)

    async def items(self, service: str, path: str, **params: str) -> list[dict[str, Any]]:
        """GET a list route, page by page."""
        found: list[dict[str, Any]] = []
        page = await self.get(service, path, **params)
        while go_on := {asked: page[said] for said, asked in PAGES.items() if page.get(said)}:
            found += page["items"]
            page = await self.get(service, path, **params, **go_on)
        return found + list(page["items"])

    async def post(self, service: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """POST a body."""
        return await self._call("POST", service, path, json=dict(body or {}))

    async def post_once(
        self, service: str, path: str, body: Mapping[str, Any] | None = None
    ) -> Any:
        """POST a body with an Idempotency-Key."""
        headers = {"Idempotency-Key": str(uuid4())}
        return await self._call("POST", service, path, headers, json=dict(body or {}))

    async def patch(self, service: str, path: str, body: Mapping[str, Any]) -> Any:
        """PATCH with a body."""
        return await self._call("PATCH", service, path, json=dict(body))

    async def patch_once(self, service: str, path: str, body: Mapping[str, Any]) -> Any:
        """PATCH with a body and an Idempotency-Key."""
        headers = {"Idempotency-Key": str(uuid4())}
        return await self._call("PATCH", service, path, headers, json=dict(body))

    async def delete(self, service: str, path: str) -> None:
        """DELETE something, with an Idempotency-Key."""
        await self._call("DELETE", service, path, {"Idempotency-Key": str(uuid4())})

    async def _call(
        self,
        method: str,
        service: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Any:
        signed_in = await self._signed_in()
        url = self._urls[service] + path
        response = await self._http.request(
            method, url, headers={**signed_in, **(headers or {})}, **options
        )
        if response.is_error:
            response.read()
            response.raise_for_status()
        return response.json() if response.content else None

    async def _signed_in(self) -> dict[str, str]:
        if time.monotonic() >= self._renew_at:
            url = self._urls["auth-service"] + "/v1/tokens"
            response = await self._http.post(url, json={"api_token": self._token})
            response.raise_for_status()
            self._headers = {"Authorization": f"Bearer {response.json()['access_token']}"}
            self._renew_at = time.monotonic() + JWT_SECONDS
        return self._headers
