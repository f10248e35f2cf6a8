"""Owners: the people of a portal."""

from typing import Any

from aiohttp import web
from tablesync.sandbox.people import HUBSPOT_USER_IDS

from . import errors
from .access import admit
from .definitions import SINCE
from .paging import archived, numbers, with_next
from .state import HubSpotState

MAXIMUM, DEFAULT = 500, 100


class OwnerRoutes:
    """Reading owners."""

    def __init__(self, state: HubSpotState, api_url: str) -> None:
        self._state, self._api_url = state, api_url

    async def owners(self, request: web.Request) -> web.Response:
        """GET a page of the owners, by id: all of them, or who has an e-mail address."""
        admission = admit(self._state, request, ["crm.objects.owners.read"])
        limit, after = numbers(request, DEFAULT, MAXIMUM)
        email = request.query.get("email")
        people = [] if archived(request) else admission.portal.portal.people
        owners = [_owner(each.email, each.name) for each in people if email in (None, each.email)]
        owners = sorted((each for each in owners if int(each["id"]) > after), key=_number)
        return admission.answer(with_next(request, self._api_url, owners[:limit], owners[limit:]))

    async def one_owner(self, request: web.Request) -> web.Response:
        """GET one owner, by its own id or by its user's."""
        admission = admit(self._state, request, ["crm.objects.owners.read"])
        by = "userId" if request.query.get("idProperty", "id") == "userId" else "id"
        wanted = request.match_info["owner_id"]
        for each in admission.portal.portal.people:
            owner = _owner(each.email, each.name)
            if str(owner[by]) == wanted and not archived(request):
                return admission.answer(owner)
        raise errors.resource_not_found()


def _number(owner: dict[str, Any]) -> int:
    return int(owner["id"])


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
        "createdAt": SINCE,
        "updatedAt": SINCE,
        "archived": False,
    }
