"""What every HTTP part shares: JSON answers, refusals and the parsing of bodies."""

from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web


class Refusal(Exception):  # noqa: N818 - a refusal is an answer, not a failure
    """An answer other than success, raised anywhere below a route and sent as it is."""

    def __init__(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.body = body
        self.headers = dict(headers or {})


def json_answer(
    body: Any,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    content_type: str = "application/json; charset=utf-8",
) -> web.Response:
    """Answer with compact JSON."""
    return web.Response(
        body=orjson.dumps(body),
        status=status,
        headers={"content-type": content_type, **(headers or {})},
    )


def entries(value: Any, kind: type | tuple[type, ...], otherwise: Refusal) -> list[Any]:
    """Return a JSON list whose entries are of one type, an empty one for nothing, or refuse."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(entry, kind) for entry in value):
        raise otherwise
    return value


def problem(status: int, title: str, detail: str, **members: Any) -> Refusal:
    """Return an RFC 9457 problem, used by the control API and the mail catcher."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **members}
    return Refusal(status, body, {"content-type": "application/problem+json"})


async def json_object(request: web.Request) -> dict[str, Any] | None:
    """Return the request's JSON object, an empty one for no body, None if it is not an object."""
    raw = await request.read()
    if not raw:
        return {}
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    return body if isinstance(body, dict) else None
