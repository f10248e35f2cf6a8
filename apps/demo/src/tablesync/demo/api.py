"""The services' public HTTP API, as the demo's operator uses it."""

import time
from collections.abc import Mapping
from typing import Any

import httpx
import stamina

# A user JWT lives five minutes; a fresh one is taken well before.
_TOKEN_SECONDS = 120.0
# How a page says where the list goes on, and how that is asked for.
_PAGES = {"next_cursor": "cursor", "next": "from"}


class Api:
    """Calls `/v1` routes of any service with the operator's token."""

    def __init__(self, urls: Mapping[str, str], api_token: str) -> None:
        self._urls = urls
        self._api_token = api_token
        self._client = httpx.AsyncClient(timeout=15.0, trust_env=False)
        self._authorization = ""
        self._renew_at = 0.0

    async def get(self, service: str, path: str, **params: str) -> Any:
        """GET a route; raises httpx.HTTPStatusError for anything but success.

        A service that is away, since it restarts, is asked again for four minutes.
        """
        patiently = stamina.AsyncRetryingCaller(timeout=240.0, attempts=None).on(_is_away)
        return await patiently(self._request, "GET", service, path, params=params)

    async def post(self, service: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """POST a JSON body to a route; raises as `get` does."""
        return await self._request("POST", service, path, json=dict(body or {}))

    async def attempt(
        self, method: str, service: str, path: str, body: Mapping[str, Any] | None = None
    ) -> httpx.Response:
        """Send a request and return whatever comes back, errors included."""
        headers = {"Authorization": await self._token()}
        url = self._urls[service] + path
        return await self._client.request(method, url, headers=headers, json=dict(body or {}))

    async def items(self, service: str, path: str, **params: str) -> list[dict[str, Any]]:
        """GET a list route to its last page, and return its items."""
        page = await self.get(service, path, **params)
        found = list(page["items"])
        while go_on := {asked: page[said] for said, asked in _PAGES.items() if page.get(said)}:
            page = await self.get(service, path, **params, **go_on)
            found += page["items"]
        return found

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _request(self, method: str, service: str, path: str, **options: Any) -> Any:
        headers = {"Authorization": await self._token()}
        url = self._urls[service] + path
        response = await self._client.request(method, url, headers=headers, **options)
        response.raise_for_status()
        return response.json()

    async def _token(self) -> str:
        if time.monotonic() >= self._renew_at:
            url = self._urls["auth-service"] + "/v1/tokens"
            response = await self._client.post(url, json={"api_token": self._api_token})
            response.raise_for_status()
            self._authorization = f"Bearer {response.json()['access_token']}"
            self._renew_at = time.monotonic() + _TOKEN_SECONDS
        return self._authorization


def _is_away(error: Exception) -> bool:
    """Whether the service, and not the request, was the reason."""
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code == httpx.codes.SERVICE_UNAVAILABLE
    return isinstance(error, httpx.TransportError)
