"""Search over CRM objects."""

from typing import Any

from aiohttp import web
from tablesync.sandbox.clock import now_ms
from tablesync.sandbox.web import json_object

from . import errors
from .access import admit
from .objects import object_kind
from .portals import PortalState
from .query import MAXIMUM_BODY_CHARACTERS, read_query
from .rendering import shown, wanted_names
from .state import HubSpotState


class SearchRoutes:
    """POST …/search."""

    def __init__(self, state: HubSpotState) -> None:
        self._state = state

    async def search(self, request: web.Request) -> web.Response:
        """Answer one page of a query."""
        kind = object_kind(request)
        admission = admit(self._state, request, [f"crm.objects.{kind}.read"], search=True)
        portal = admission.portal
        records, definitions = portal.objects[kind], portal.definitions[kind]
        query = read_query(await _body(request), definitions)
        hits = portal.finders[kind].find(query, _newest_ms(portal))
        names = wanted_names(kind, query.properties, records.modified_property, definitions)
        found = records.all_of(hits.part(query.after, query.limit))
        answer: dict[str, Any] = {
            "total": hits.total,
            "results": [shown(record, names, records.modified_property) for record in found],
        }
        if query.after + query.limit < hits.total:
            answer["paging"] = {"next": {"after": str(query.after + query.limit)}}
        request["page_of"] = kind
        return admission.answer(answer)


def _newest_ms(portal: PortalState) -> float | None:
    lag = portal.search_lag_seconds
    return now_ms() - lag * 1000 if lag else None


async def _body(request: web.Request) -> dict[str, Any]:
    if len((await request.read()).decode(errors="replace")) > MAXIMUM_BODY_CHARACTERS:
        raise errors.validation("The request body is too long.")
    body = await json_object(request)
    if body is None:
        raise errors.validation("Invalid input JSON.")
    return body
