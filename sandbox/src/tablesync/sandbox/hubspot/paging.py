"""Pages: what a request says of the one that it wants, and where an answer says the next one is."""

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from . import errors


def archived(request: web.Request) -> bool:
    """Whether the archive is asked for."""
    return request.query.get("archived", "").lower() == "true"


def numbers(request: web.Request, default: int, maximum: int) -> tuple[int, int]:
    """Return how many are wanted, and after which id; raise a 400 refusal for anything else."""
    try:
        limit = int(request.query.get("limit") or default)
        after = int(request.query.get("after") or 0)
    except ValueError:
        raise errors.validation("Invalid input: limit and after are numbers.") from None
    if not 1 <= limit <= maximum:
        raise errors.validation(f"limit must be between 1 and {maximum}", limit=[str(limit)])
    return limit, after


def with_next(
    request: web.Request, api_url: str, results: Sequence[dict[str, Any]], more: Sequence[Any]
) -> dict[str, Any]:
    """Return a page; if there is more, its link repeats what the request has asked for."""
    body: dict[str, Any] = {"results": results}
    if more:
        last = results[-1]["id"]
        path = request.path.removeprefix("/hubspot")
        query = request.rel_url.update_query(after=last).raw_query_string
        body["paging"] = {"next": {"after": last, "link": f"{api_url}{path}?{query}"}}
    return body
