"""A portal's records, as whoever follows a link of TableSync's would look at them."""

from aiohttp import web
from tablesync.sandbox.pages import A_PAGE, records_page
from tablesync.sandbox.seed.catalogue import DEFAULT_PROPERTIES, OBJECT_TYPE_IDS

from .state import HubSpotState


class BrowsingRoutes:
    """Pages of records; whoever reaches the sandbox may see them all."""

    def __init__(self, state: HubSpotState) -> None:
        self._state = state

    async def show(self, request: web.Request) -> web.Response:
        """GET the records of one object, or one of them."""
        portal = self._state.portals.get(request.match_info["portal"])
        kind = OBJECT_TYPE_IDS.get(request.match_info["type"])
        if portal is None or kind is None:
            raise web.HTTPNotFound
        records, names = portal.objects[kind], DEFAULT_PROPERTIES[kind]
        record_id = request.match_info.get("record")
        if record_id is None:
            found = records.after(0, A_PAGE, archived=False)
        else:
            one = records.get(int(record_id))
            if one is None:
                raise web.HTTPNotFound
            found = [one]
        return records_page(
            "hubspot",
            f"{portal.portal.name} / {kind.capitalize()}",
            ["Record", *names],
            [
                [str(each.id), *(each.properties.get(name) or "" for name in names)]
                for each in found
            ],
            of=len(records) if record_id is None else 1,
        )
