"""Property definitions, owners, pipelines and account details."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web
from tablesync.sandbox.people import HUBSPOT_USER_IDS
from tablesync.sandbox.seed.catalogue import DEAL_STAGES

from . import errors
from .access import Admission, admit
from .objects import object_kind
from .state import HubSpotState

_SINCE = "2024-01-01T00:00:00.000Z"


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
        archived = request.query.get("archived", "").lower() == "true"
        listed = admission.portal.definitions[kind].listed(archived)
        return admission.answer({"results": listed})

    async def one_property(self, request: web.Request) -> web.Response:
        """GET one property definition."""
        admission, kind = self._open_properties(request)
        definition = admission.portal.definitions[kind].by_name.get(request.match_info["name"])
        if definition is None:
            raise errors.resource_not_found()
        return admission.answer(definition)

    async def owners(self, request: web.Request) -> web.Response:
        """GET the owners: the people of the portal."""
        admission = admit(self._state, request, ["crm.objects.owners.read"])
        people = admission.portal.portal.people
        archived = request.query.get("archived", "").lower() == "true"
        results = [] if archived else [_owner(person.email, person.name) for person in people]
        return admission.answer({"results": results})

    async def pipelines(self, request: web.Request) -> web.Response:
        """GET the deal pipelines with their stages."""
        admission = admit(self._state, request, ["crm.objects.deals.read"])
        return admission.answer({"results": [_pipeline()]})

    async def account(self, request: web.Request) -> web.Response:
        """GET the account's details."""
        admission = admit(self._state, request)
        portal = admission.portal.portal
        offset = datetime.now(ZoneInfo(portal.time_zone)).utcoffset()
        seconds = int(offset.total_seconds()) if offset else 0
        sign = "-" if seconds < 0 else "+"
        host = "app-eu1.hubspot.com" if portal.region == "eu1" else "app.hubspot.com"
        return admission.answer(
            {
                "portalId": int(portal.id),
                "accountType": "STANDARD",
                "timeZone": portal.time_zone,
                "companyCurrency": portal.currency,
                "additionalCurrencies": [],
                "utcOffset": f"{sign}{abs(seconds) // 3600:02}:{abs(seconds) % 3600 // 60:02}",
                "utcOffsetMilliseconds": seconds * 1000,
                "uiDomain": host,
                "dataHostingLocation": portal.region,
            }
        )


def _owner(email: str, name: str) -> dict[str, Any]:
    first, _, last = name.partition(" ")
    user_id = HUBSPOT_USER_IDS[email]
    return {
        "id": f"5{user_id}",
        "email": email,
        "type": "PERSON",
        "firstName": first,
        "lastName": last,
        "userId": int(user_id),
        "userIdIncludingInactive": int(user_id),
        "createdAt": _SINCE,
        "updatedAt": _SINCE,
        "archived": False,
    }


def _pipeline() -> dict[str, Any]:
    stages = [
        {
            "id": value,
            "label": label,
            "displayOrder": order,
            "metadata": {"isClosed": str(value.startswith("closed")).lower()},
            "createdAt": _SINCE,
            "updatedAt": _SINCE,
            "archived": False,
        }
        for order, (value, label) in enumerate(DEAL_STAGES)
    ]
    return {
        "id": "default",
        "label": "Sales Pipeline",
        "displayOrder": 0,
        "stages": stages,
        "createdAt": _SINCE,
        "updatedAt": _SINCE,
        "archived": False,
    }
