"""The contacts of both syncs, and what people do to them at HubSpot."""

from collections.abc import Sequence

from sync_runner_rig import Json, Rig

MAILS = [f"{letter}@acme.test" for letter in "abcde"]
TIERS = {"g": "Gold", "s": "Silver"}
# Some are no numbers, and one is a tier that nobody has defined.
POINTS = ("", "1", "2.5", "12E34567890")
GIVEN_TIERS = ("", *TIERS, "x")


class Contacts:
    """A few contacts with few addresses, so that they meet; chosen by any number."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._labels = dict(TIERS)

    async def begin(self) -> None:
        """Have none, and the properties that are mapped."""
        await self.purge(await self.ids())
        await self.purge(await self.archived())
        points = {"name": "points", "type": "string", "fieldType": "text"}
        await self._rig.at_hubspot("property", object="contacts", definition=points)
        await self._define_tiers()

    async def all(self) -> list[Json]:
        """Return the living ones, as they are."""
        return await self._rig.hubspot_records("contacts")

    async def ids(self) -> list[str]:
        """Return the ids of the living."""
        return sorted(each["id"] for each in await self.all())

    async def archived(self) -> list[str]:
        """Return the ids of those in the archive."""
        query = {"object": "contacts", "archived": "true"}
        portal = self._rig.hubspot.account.id
        found = await self._rig.sandbox.records("hubspot", portal, **query)
        return sorted(each["id"] for each in found)

    async def create(self, **properties: str) -> None:
        """Create one."""
        await self._rig.at_hubspot("create", object="contacts", records=[properties])

    async def edit(self, id_: str, *, silently: bool, **properties: str) -> None:
        """Change one; silently as what is calculated, which moves no date."""
        await self._rig.at_hubspot(
            "edit", object="contacts", ids=[id_], properties=properties, silently=silently
        )

    async def pass_mails_on(self, ids: Sequence[str], *, silently: bool) -> None:
        """Give each one's address to the next."""
        mails = {each["id"]: each["properties"].get("email") or "" for each in await self.all()}
        for id_, giver in zip(ids, [*ids[1:], ids[0]], strict=True):
            await self.edit(id_, silently=silently, email=mails[giver])

    async def archive(self, id_: str) -> None:
        """Delete one."""
        await self._rig.at_hubspot("archive", object="contacts", ids=[id_])

    async def restore(self, id_: str, *, touched: bool) -> None:
        """Take one out of the archive."""
        await self._rig.at_hubspot("restore", object="contacts", ids=[id_])
        if touched:
            await self.edit(id_, silently=False, lastname="back")

    async def purge(self, ids: Sequence[str]) -> None:
        """Delete some for good."""
        await self._rig.at_hubspot("purge", object="contacts", ids=list(ids))

    async def merge(self, ids: Sequence[str], *, into_new: bool) -> None:
        """Make one of several."""
        await self._rig.at_hubspot("merge", object="contacts", ids=list(ids), into_new=into_new)

    async def rename_tier(self, value: str, label: str) -> None:
        """Show a tier under another label, which changes no contact."""
        self._labels[value] = label
        await self._define_tiers()

    async def _define_tiers(self) -> None:
        definition = {
            "name": "tier",
            "type": "enumeration",
            "fieldType": "select",
            "options": [{"value": value, "label": label} for value, label in self._labels.items()],
        }
        await self._rig.at_hubspot("property", object="contacts", definition=definition)
