"""Property definitions, the groups they are in, and account details."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web
from tablesync.sandbox.clock import java_instant, now_ms
from tablesync.sandbox.web import entries, json_object

from . import errors
from .access import Admission, admit
from .objects import object_kind
from .paging import archived
from .state import HubSpotState


class MetadataRoutes:
    """What describes a portal and its records."""

    def __init__(self, state: HubSpotState) -> None:
        self._state = state

    def _open_properties(self, request: web.Request) -> tuple[Admission, str]:
        kind = object_kind(request)
        scopes = [f"crm.objects.{kind}.read", f"crm.schemas.{kind}.read"]
        return admit(self._state, request, scopes, any_of=True), kind

    async def properties(self, request: web.Request) -> web.Response:
        """GET all property definitions of an object."""
        admission, kind = self._open_properties(request)
        listed = admission.portal.definitions[kind].listed(archived(request))
        return admission.answer({"results": listed})

    async def one_property(self, request: web.Request) -> web.Response:
        """GET one property definition."""
        admission, kind = self._open_properties(request)
        definition = admission.portal.definitions[kind].by_name.get(request.match_info["name"])
        if definition is None:
            raise errors.resource_not_found()
        return admission.answer(definition)

    async def batch_read(self, request: web.Request) -> web.Response:
        """POST names, to get their definitions; 207 when some of them do not exist."""
        admission, kind = self._open_properties(request)
        body = await json_object(request) or {}
        invalid = errors.validation("Invalid input JSON: inputs.")
        names = [str(each.get("name")) for each in entries(body.get("inputs"), dict, invalid)]
        known = admission.portal.definitions[kind].by_name
        wanted = bool(body.get("archived"))
        found = [known[each] for each in names if each in known]
        found = [each for each in found if each["archived"] == wanted]
        missing = sorted({*names} - {each["name"] for each in found})
        moment = java_instant(now_ms())
        answer: dict[str, Any] = {
            "status": "COMPLETE",
            "results": found,
            "startedAt": moment,
            "completedAt": moment,
        }
        if missing:
            answer |= {"numErrors": 1, "errors": [errors.not_in_batch("Property", missing)]}
        return admission.answer(answer, 207 if missing else 200)

    async def groups(self, request: web.Request) -> web.Response:
        """GET the groups that the properties of an object are shown in."""
        admission, kind = self._open_properties(request)
        return admission.answer({"results": admission.portal.definitions[kind].groups()})

    async def one_group(self, request: web.Request) -> web.Response:
        """GET one group of properties."""
        admission, kind = self._open_properties(request)
        for each in admission.portal.definitions[kind].groups():
            if each["name"] == request.match_info["name"]:
                return admission.answer(each)
        raise errors.resource_not_found()

    async def account(self, request: web.Request) -> web.Response:
        """GET the account's details."""
        admission = admit(self._state, request)
        portal = admission.portal.portal
        offset = datetime.now(ZoneInfo(admission.portal.time_zone)).utcoffset()
        seconds = int(offset.total_seconds()) if offset else 0
        sign = "-" if seconds < 0 else "+"
        host = "app-eu1.hubspot.com" if portal.region == "eu1" else "app.hubspot.com"
        return admission.answer(
            {
                "portalId": int(portal.id),
                "accountType": "STANDARD",
                "timeZone": admission.portal.time_zone,
                "companyCurrency": portal.currency,
                "additionalCurrencies": [],
                "utcOffset": f"{sign}{abs(seconds) // 3600:02}:{abs(seconds) % 3600 // 60:02}",
                "utcOffsetMilliseconds": seconds * 1000,
                "uiDomain": host,
                "dataHostingLocation": portal.region,
            }
        )
