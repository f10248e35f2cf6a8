"""What people are called who have done something, whatever they are a member of by now."""

from collections.abc import Iterable, Mapping

from tablesync.auth_service.identity.members import Members
from tablesync.contracts.public_api.connections import Named


class Names:
    """Looks up what people are called."""

    def __init__(self, members: Members) -> None:
        self._members = members

    async def of(self, operator_ids: Iterable[str | None]) -> Mapping[str, Named]:
        """Return the names of those that there are, by id."""
        wanted = {each for each in operator_ids if each}
        found = (await self._members.operators(wanted)).items if wanted else []
        return {each.id: Named(id=each.id, name=each.name) for each in found}
