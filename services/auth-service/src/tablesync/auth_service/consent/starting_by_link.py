"""Starting by a mail's link: its page was ours, so that no second one follows."""

from tablesync.auth_service.consent.authorizations import Authorization, Authorizations, Started
from tablesync.auth_service.consent.reconnect_links import ReconnectLink, ReconnectLinks
from tablesync.auth_service.opaque_tokens import new_secret
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork


class StartingByLink:
    """Begins attempts in the browser in which a link's button was pressed."""

    def __init__(
        self, units: UnitsOfWork, links: ReconnectLinks, authorizations: Authorizations
    ) -> None:
        self._units = units
        self._links = links
        self._authorizations = authorizations

    async def start(self, link: ReconnectLink) -> Started | None:
        """Begin an attempt; None if the link's recipient may not connect any more."""
        attempt = await self._units.run(lambda unit: self._created(unit, link))
        return await self._authorizations.start(attempt, new_secret()) if attempt else None

    async def _created(self, unit: UnitOfWork, link: ReconnectLink) -> Authorization | None:
        if not await self._links.act(unit, link):
            return None
        target = link.connection
        return await self._authorizations.create(
            unit,
            target.workspace_id,
            link.recipient_id or target.owner_id,
            target.provider,
            target,
            host=target.host,
            by_link=True,
            recipient_id=link.recipient_id,
        )
