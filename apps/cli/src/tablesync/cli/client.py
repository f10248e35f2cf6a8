"""Speaks to the services: an API token becomes a short-lived one, and answers become errors."""

from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlencode

import httpx
from tablesync.cli.addresses import Addresses
from tablesync.cli.answers import AccessToken, Page, ProblemDetails, read
from tablesync.cli.errors import AwayError, NotFoundError, RefusedError, UnauthorizedError
from tablesync.contracts.specs import Value

V = TypeVar("V", bound=Value)

TIMEOUT_SECONDS = 15.0
SERVER_ERROR = 500
LATER = frozenset({httpx.codes.TOO_MANY_REQUESTS, httpx.codes.REQUEST_TIMEOUT})


class Client:
    """An operator at the services' public HTTP APIs."""

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses
        self._http = httpx.Client(timeout=TIMEOUT_SECONDS, trust_env=False)
        self._access_token = ""
        self.unread: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def get(self, service: str, path: str, **query: str) -> Any:
        """Read something; raises a CliError."""
        return self._call(service, "GET", f"{path}?{urlencode(query)}" if query else path)

    def page(self, service: str, path: str, **query: str) -> Page:
        """Read one page of a list; raises a CliError."""
        return read(Page, service, self.get(service, path, **query))

    def items(self, model: type[V], service: str, path: str, **query: str) -> Iterator[V]:
        """Yield the items of a list, to its last page; raises a CliError.

        What the service cannot read itself is noted in `unread`.
        """
        cursor: str | None = ""
        while cursor is not None:
            page = self.page(service, path, **query, **({"cursor": cursor} if cursor else {}))
            yield from (read(model, service, each) for each in page.items)
            self.unread += [f"{service} cannot read {each}." for each in page.unread_ids]
            cursor = page.next_cursor

    def post(self, service: str, path: str, body: Any = None) -> Any:
        """Have something done; raises a CliError."""
        return self._call(service, "POST", path, body)

    def _call(self, service: str, method: str, path: str, body: Any = None) -> Any:
        response = self._send(service, method, path, self._token(), body)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            # The short-lived token may have expired while we watched.
            self._access_token = ""
            response = self._send(service, method, path, self._token(), body)
        return _body(service, response)

    def _token(self) -> str:
        """Exchange the API token, once until it is refused."""
        if not self._access_token:
            body = {"api_token": self._addresses.api_token}
            response = self._send("auth-service", "POST", "/v1/tokens", json=body)
            answer = _body("auth-service", response)
            self._access_token = read(AccessToken, "auth-service", answer).access_token
        return self._access_token

    def _send(
        self, service: str, method: str, path: str, token: str = "", json: Any = None
    ) -> httpx.Response:
        url = self._addresses.url(service).rstrip("/") + path
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            return self._http.request(method, url, headers=headers, json=json)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            where = self._addresses.url(service)
            raise AwayError(f"{service} does not answer at {where}. Is it running?") from error


def _body(service: str, response: httpx.Response) -> Any:
    """Return a good answer's body; raises what a bad one means."""
    if response.is_success:
        try:
            return response.json()
        except ValueError as error:
            raise AwayError(f"{service} sent something that is not JSON.") from error
    detail = _detail(response)
    if response.status_code == httpx.codes.UNAUTHORIZED:
        raise UnauthorizedError(
            f"{service} does not accept the API token: {detail} Check TABLESYNC_API_TOKEN."
        )
    if response.status_code == httpx.codes.FORBIDDEN:
        raise UnauthorizedError(f"{service} does not allow this: {detail}")
    if response.status_code == httpx.codes.NOT_FOUND:
        raise NotFoundError(f"{service}: {detail}")
    if response.status_code >= SERVER_ERROR or response.status_code in LATER:
        raise AwayError(f"{service} cannot answer now ({response.status_code}): {detail}")
    raise RefusedError(f"{service} refuses ({response.status_code}): {detail}")


def _detail(response: httpx.Response) -> str:
    """Say what is wrong and what helps, if the answer is a problem."""
    try:
        problem = ProblemDetails.model_validate_json(response.content)
    except ValueError:
        return response.reason_phrase
    said = [f"{each.field}: {each.message}. {each.remedy}" for each in problem.errors or ()]
    return " ".join(said) or problem.detail or response.reason_phrase
