"""Practice: breaking a connection at the sandbox, to watch how it recovers. Never in production."""

from collections.abc import Mapping
from typing import Any

import httpx
from pydantic import BaseModel, ValidationError
from tablesync.client import AwayError

SANDBOX = "sandbox"


class Way(BaseModel):
    """Something that can be done to an account, and what then is to be seen."""

    action: str
    title: str
    outcome: str
    body: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What a form calls it: an action may be there twice, to begin and to end something."""
        return f"{self.action}:{self.title}"


class Ways(BaseModel):
    """All that the sandbox offers for a provider."""

    ways: tuple[Way, ...]


class Practice:
    """What the sandbox can do to its providers' accounts."""

    def __init__(self, sandbox_url: str, http: httpx.AsyncClient) -> None:
        self._url = f"{sandbox_url.rstrip('/')}/_control"
        self._http = http

    async def ways(self, provider: str) -> tuple[Way, ...]:
        """Return what can be done; raises AwayError."""
        try:
            answer = await self._http.get(f"{self._url}/{provider}/-/practice")
            return Ways.model_validate_json(answer.raise_for_status().content).ways
        except (httpx.HTTPError, ValidationError) as error:
            raise AwayError(SANDBOX, "does not answer") from error

    async def take(self, provider: str, account: str, way: Way, key: str) -> None:
        """Do it to an account, once for a key; raises AwayError."""
        url = f"{self._url}/{provider}/{account}/{way.action}"
        headers = {"Idempotency-Key": key}
        try:
            answer = await self._http.post(url, json=dict(way.body), headers=headers)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise AwayError(SANDBOX, "does not answer") from error
