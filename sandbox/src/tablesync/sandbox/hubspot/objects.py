"""CRM objects: list, get and batch read."""

from collections.abc import Iterable, Mapping
from typing import Any

from aiohttp import web
from tablesync.sandbox.clock import iso_milliseconds, now_ms
from tablesync.sandbox.seed.catalogue import OBJECT_ALIASES
from tablesync.sandbox.web import json_object

from . import errors
from .access import Admission, admit
from .crm_records import CrmRecord, CrmRecords
from .definitions import SINGULAR, PropertyDefinitions
from .paging import archived, numbers, with_next
from .query import named_properties
from .rendering import shown, wanted_names
from .state import HubSpotState

LIST_MAXIMUM, LIST_MAXIMUM_WITH_HISTORY, BATCH_MAXIMUM = 100, 50, 100


def object_kind(request: web.Request) -> str:
    """Return the plural object name of the path, whatever alias it uses."""
    name = request.match_info["kind"]
    kind = OBJECT_ALIASES.get(name.lower())
    if kind is None:
        raise errors.unknown_object_type(name)
    return kind


def named(values: Iterable[str]) -> list[str]:
    """Return names given repeatedly or as comma lists."""
    return [name.strip() for value in values for name in value.split(",") if name.strip()]


class ObjectRoutes:
    """Reading CRM records."""

    def __init__(self, state: HubSpotState, api_url: str) -> None:
        self._state, self._api_url = state, api_url

    def _open(self, request: web.Request) -> tuple[Admission, str, CrmRecords, PropertyDefinitions]:
        kind = object_kind(request)
        admission = admit(self._state, request, [f"crm.objects.{kind}.read"])
        return admission, kind, admission.portal.objects[kind], admission.portal.definitions[kind]

    async def list_records(self, request: web.Request) -> web.Response:
        """GET a page of records, ordered by id."""
        admission, kind, records, definitions = self._open(request)
        limit, after = _page(request)
        page = records.after(after, limit + 1, archived(request))
        names = wanted_names(
            kind,
            named(request.query.getall("properties", [])),
            records.modified_property,
            definitions,
        )
        results = [shown(record, names, records.modified_property) for record in page[:limit]]
        body = with_next(request, self._api_url, results, page[limit:])
        request["page_of"] = kind
        return admission.answer(body)

    async def get_record(self, request: web.Request) -> web.Response:
        """GET one record by id or by another property."""
        admission, kind, records, definitions = self._open(request)
        record = _find(records, request.match_info["record_id"], request.query.get("idProperty"))
        if record is None or record.is_archived != archived(request):
            raise errors.resource_not_found()
        names = wanted_names(
            kind,
            named(request.query.getall("properties", [])),
            records.modified_property,
            definitions,
        )
        return admission.answer(shown(record, names, records.modified_property))

    async def batch_read(self, request: web.Request) -> web.Response:
        """POST up to 100 ids, live or archived; 207 when some of them do not exist as such."""
        admission, kind, records, definitions = self._open(request)
        body = await json_object(request)
        inputs = _inputs(body)
        id_property = (body or {}).get("idProperty")
        found, missing = _lookup(records, inputs, id_property, archived(request))
        names = wanted_names(
            kind, named_properties(body or {}), records.modified_property, definitions
        )
        moment = iso_milliseconds(now_ms())
        answer: dict[str, Any] = {
            "status": "COMPLETE",
            "results": [shown(record, names, records.modified_property) for record in found],
            "startedAt": moment,
            "completedAt": moment,
        }
        if missing:
            answer |= {
                "numErrors": 1,
                "errors": [errors.not_in_batch(SINGULAR[kind].upper(), missing)],
            }
        return admission.answer(answer, 207 if missing else 200)


def _page(request: web.Request) -> tuple[int, int]:
    history = bool(request.query.get("propertiesWithHistory"))
    return numbers(request, 10, LIST_MAXIMUM_WITH_HISTORY if history else LIST_MAXIMUM)


def _find(records: CrmRecords, value: str, id_property: str | None) -> CrmRecord | None:
    if id_property and id_property != "hs_object_id":
        matches = (record for record in records if record.properties.get(id_property) == value)
        return next(matches, None)
    if not value.isdigit():
        raise errors.object_not_found()
    return records.get(int(value))


def _inputs(body: Mapping[str, Any] | None) -> list[str]:
    try:
        inputs = [str(entry["id"]) for entry in (body or {})["inputs"]]
    except (KeyError, TypeError):
        raise errors.validation("Invalid input JSON: inputs.") from None
    if len(inputs) > BATCH_MAXIMUM:
        raise errors.validation(f"At most {BATCH_MAXIMUM} inputs are possible.")
    return inputs


def _lookup(
    records: CrmRecords, inputs: list[str], id_property: str | None, archived: bool
) -> tuple[list[CrmRecord], list[str]]:
    found, missing = [], []
    for value in inputs:
        known = id_property or value.isdigit()
        record = _find(records, value, id_property) if known else None
        if record is None or record.is_archived != archived:
            missing.append(value)
        else:
            found.append(record)
    return found, missing
