"""Starting again: what follows an attempt that came to nothing, or brought too little."""

from tablesync.auth_service.connections import Connection, Connections
from tablesync.auth_service.consent.askers import Askers
from tablesync.auth_service.consent.authorizations import LIFETIME, Authorization, Authorizations
from tablesync.contracts.public_api.connections import AuthorizationStatus
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork, UnitsOfWork


class StartingAgain:
    """Begins attempts in the place of others."""

    def __init__(
        self,
        units: UnitsOfWork,
        connections: Connections,
        authorizations: Authorizations,
        askers: Askers,
    ) -> None:
        self._units = units
        self._connections = connections
        self._authorizations = authorizations
        self._askers = askers

    async def after(self, authorization: Authorization) -> Authorization | None:
        """Begin an attempt anew; a second click finds the same one.

        None if it is too long ago, or there is no need, or its asker may not connect any more.
        """

        async def work(unit: UnitOfWork) -> Authorization | None:
            ended = await self._authorizations.get(
                authorization.workspace_id, authorization.id, unit.session
            )
            if not await self._askers.act(unit, ended.workspace_id, ended.asker_id):
                return None
            return await self._going_on(unit, ended) or await self._begun_after(unit, ended)

        return await self._units.run(work)

    async def _going_on(self, unit: UnitOfWork, ended: Authorization) -> Authorization | None:
        """Return what is under way already: the attempt itself, or the one begun after it."""
        if ended.continued_by is not None:
            ended = await self._authorizations.get(
                ended.workspace_id, ended.continued_by, unit.session
            )
        return ended if ended.status_at(unit.now) is AuthorizationStatus.PENDING else None

    async def _begun_after(self, unit: UnitOfWork, ended: Authorization) -> Authorization | None:
        target = await self._target(unit, ended)
        is_over = unit.now > ended.expires_at + LIFETIME
        if is_over or (ended.by_link and target and not _lacks_something(ended, target)):
            return None
        following = await self._authorizations.create(
            unit,
            ended.workspace_id,
            ended.operator_id,
            ended.provider,
            target,
            host=ended.host,
            by_link=ended.by_link,
            recipient_id=ended.recipient_id,
            return_to=ended.return_to,
            extras=ended.extras or (),
        )
        await self._authorizations.continue_by(unit, ended, following)
        return following

    async def _target(self, unit: UnitOfWork, ended: Authorization) -> Connection | None:
        if ended.connection_id is None:
            return None
        return await self._connections.get(ended.workspace_id, ended.connection_id, unit.session)


def _lacks_something(ended: Authorization, target: Connection) -> bool:
    """Whether connecting once more could bring what is not there."""
    return not target.connected or bool(target.missing_scopes) or ended.leaves_bases_out
