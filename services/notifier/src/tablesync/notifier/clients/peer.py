"""What both peers have in common: how they are asked, and what no answer means."""

from typing import ClassVar

import httpx
from tablesync.contracts.internal_api import Body
from tablesync.notifier.errors import UnknownToPeerError
from tablesync.service_kit.errors import DependencyUnavailableError


class PeerClient:
    """Asks another service's internal API.

    Raises DependencyUnavailableError while it gives no answer that can be read, and
    UnknownToPeerError for what it does not know.
    """

    name: ClassVar[str]

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def _get(self, path: str, **query: str | int) -> httpx.Response:
        return await self._ask(self._http.build_request("GET", _url(path), params=query))

    async def _post(self, path: str, body: Body) -> httpx.Response:
        content = body.model_dump(mode="json", by_alias=True)
        return await self._ask(self._http.build_request("POST", _url(path), json=content))

    async def _ask(self, request: httpx.Request) -> httpx.Response:
        try:
            response = await self._http.send(request)
        except httpx.RequestError as error:
            raise DependencyUnavailableError(self.name) from error
        if response.status_code == httpx.codes.NOT_FOUND:
            raise UnknownToPeerError(f"{self.name} does not know {request.url.path}")
        return response


def _url(path: str) -> str:
    return f"/internal/v1{path}"
