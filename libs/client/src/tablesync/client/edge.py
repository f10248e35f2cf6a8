"""One request to one service, and what its answer means."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import quote
from uuid import uuid4

import httpx
from pydantic import BaseModel, ValidationError
from tablesync.client.credentials import Credentials
from tablesync.client.errors import (
    AwayError,
    ConflictError,
    FieldError,
    ForbiddenError,
    InvalidError,
    NoAddressError,
    NotFoundError,
    Problem,
    ProblemError,
    UnauthorizedError,
    UnconfirmedError,
)
from tablesync.contracts.public_api.base import Answer

M = TypeVar("M", bound=BaseModel)
Query = Mapping[str, str | int | Sequence[str] | None]

IDEMPOTENCY_KEY = "Idempotency-Key"
_KINDS: Mapping[int, type[ProblemError]] = {
    httpx.codes.UNAUTHORIZED: UnauthorizedError,
    httpx.codes.FORBIDDEN: ForbiddenError,
    httpx.codes.NOT_FOUND: NotFoundError,
    httpx.codes.CONFLICT: ConflictError,
    httpx.codes.UNPROCESSABLE_ENTITY: InvalidError,
}
# The same change, sent before, is still at work: its answer is worth three seconds.
_IN_USE = "idempotency-key-in-use"
_IN_USE_WAITS = (0.1, 0.2, 0.4, 0.8, 1.5)
_LATER = frozenset({httpx.codes.TOO_MANY_REQUESTS, httpx.codes.REQUEST_TIMEOUT})
# Errors after which a service has certainly not seen the request.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.InvalidURL)


class Edge:
    """One service, as somebody may call it."""

    def __init__(
        self, service: str, url: str, http: httpx.AsyncClient, credentials: Credentials | None
    ) -> None:
        self.service = service
        self._url = url.rstrip("/")
        self._http = http
        self._credentials = credentials

    async def get(self, path: str, model: type[M], query: Query | None = None) -> M:
        """Read something."""
        return self.read(model, await self.get_json(path, query))

    async def get_json(self, path: str, query: Query | None = None) -> Any:
        """Read something as it is said."""
        given = {name: value for name, value in (query or {}).items() if value is not None}
        return _json(self.service, await self._call("GET", path, params=given))

    async def ask(self, path: str, model: type[M], body: BaseModel) -> M:
        """Send something that changes nothing, and read the answer."""
        answer = await self._call("POST", path, json=_sent(body))
        return self.read(model, _json(self.service, answer))

    async def tell(self, path: str, body: BaseModel) -> None:
        """Send something to which nothing is answered; it may be sent again."""
        await self._call("POST", path, json=_sent(body))

    async def change(
        self,
        method: str,
        path: str,
        model: type[M],
        body: BaseModel | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> M:
        """Have something changed, and read what became of it."""
        answer = await self._change(method, path, body, idempotency_key)
        return self.read(model, _json(self.service, answer))

    async def delete(self, path: str, *, idempotency_key: str | None = None) -> None:
        """Have something deleted of which nothing is left to be told."""
        await self._change("DELETE", path, None, idempotency_key)

    def read(self, model: type[M], said: Any) -> M:
        """Read an answer; raises AwayError for what is none."""
        try:
            return heard(model, said)
        except ValidationError as error:
            raise AwayError(
                self.service, f"sent no {model.__name__} that this version can read"
            ) from error

    async def _change(
        self, method: str, path: str, body: BaseModel | None, idempotency_key: str | None
    ) -> httpx.Response:
        """Have something changed; of a double click the second gets what the first one gets."""
        headers = {IDEMPOTENCY_KEY: idempotency_key or str(uuid4())}
        sent = _sent(body) if body else None
        for seconds in _IN_USE_WAITS:
            try:
                return await self._call(method, path, json=sent, headers=headers)
            except ConflictError as error:
                if _IN_USE not in error.problem.type:
                    raise
            await asyncio.sleep(seconds)
        return await self._call(method, path, json=sent, headers=headers)

    async def _call(self, method: str, path: str, **sent: Any) -> httpx.Response:
        """Send a request with a token, and once more if that has expired meanwhile."""
        response = await self._send(method, path, **sent)
        if response.status_code == httpx.codes.UNAUTHORIZED and self._credentials:
            self._credentials.forget()
            response = await self._send(method, path, **sent)
        return _good(self.service, response)

    async def _send(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **sent: Any
    ) -> httpx.Response:
        if not self._url:
            raise NoAddressError(self.service)
        token = await self._credentials.token() if self._credentials else None
        authorization = {"Authorization": f"Bearer {token}"} if token else {}
        everything = {**authorization, **(headers or {})}
        # An id may be whatever somebody has typed: it is a part of the path, and nothing else.
        url = self._url + quote(path)
        try:
            return await self._http.request(method, url, headers=everything, **sent)
        except _NOT_SENT as error:
            raise AwayError(self.service, f"does not answer at {self._url}") from error
        except httpx.TransportError as error:
            if key := (headers or {}).get(IDEMPOTENCY_KEY):
                raise UnconfirmedError(self.service, "did not confirm the change", key) from error
            raise AwayError(self.service, f"does not answer at {self._url}") from error


def heard(model: type[M], said: Any) -> M:
    """Read what a service says, and keep it as it was said; raises ValidationError."""
    return model.heard(said) if issubclass(model, Answer) else model.model_validate(said)


def _sent(body: BaseModel) -> Any:
    return body.model_dump(mode="json", by_alias=True, exclude_unset=True)


def _good(service: str, response: httpx.Response) -> httpx.Response:
    """Return a good answer; raises what a bad one means."""
    if response.is_success:
        return response
    if response.is_server_error or response.status_code in _LATER:
        raise AwayError(
            service,
            f"cannot answer now ({response.status_code}): {_problem(response).detail}",
            _seconds(response.headers.get("retry-after")),
        )
    raise _KINDS.get(response.status_code, ProblemError)(service, _problem(response))


def _json(service: str, response: httpx.Response) -> Any:
    try:
        return response.json()
    except (ValueError, RecursionError) as error:
        raise AwayError(service, "sent something that is not JSON") from error


def _problem(response: httpx.Response) -> Problem:
    """Read why, as far as it is said: what a proxy answers is no problem of ours."""
    try:
        said = response.json()
    except (ValueError, RecursionError):
        said = None
    known = said if isinstance(said, dict) else {}
    return Problem(
        status=response.status_code,
        type=str(known.get("type", "about:blank")),
        detail=str(known.get("detail") or response.reason_phrase),
        errors=[_field_error(e) for e in known.get("errors") or () if isinstance(e, dict)],
        more={k: v for k, v in known.items() if k not in ("status", "type", "detail", "errors")},
    )


def _field_error(said: Mapping[str, Any]) -> FieldError:
    field, message, remedy = (str(said.get(each, "")) for each in ("field", "message", "remedy"))
    return FieldError(field, message, remedy)


def _seconds(told: str | None) -> float | None:
    """Read Retry-After where it counts seconds; a date is as good as nothing here."""
    return float(told) if told and told.isdecimal() else None
