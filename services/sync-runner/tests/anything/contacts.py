"""The contacts of both syncs, and what people do to them at HubSpot."""

from collections.abc import Sequence

from sync_runner_rig import Json, Rig

MAILS = [f"{letter}@acme.test" for letter in "abcde"]
OPTIONS = {"tier": {"g": "Gold", "s": "Silver"}, "likes": {"r": "Red", "b": "Blue"}}
DEFINITIONS: dict[str, Json] = {
    "points": {"type": "string", "fieldType": "text"},
    "score": {"type": "number", "fieldType": "number"},
    "took": {"type": "number", "fieldType": "number", "numberDisplayHint": "duration"},
    "born": {"type": "date", "fieldType": "date"},
    "met": {"type": "datetime", "fieldType": "date"},
    "agreed": {"type": "bool", "fieldType": "booleancheckbox"},
    "tier": {"type": "enumeration", "fieldType": "select"},
    "likes": {"type": "enumeration", "fieldType": "checkbox"},
}
# Some are no numbers or too long for a cell, and `x` is an option that nobody has defined.
GIVEN = {
    "points": ("", "1", "2.5", "12E34567890"),
    "score": ("", "0.1", "1E+2", "-7.50", "9007199254740993"),
    "took": ("", "5400000", "1500", "0.5"),
    "born": ("", "2026-03-01", "1772323200000"),
    "met": ("", "2026-03-01T03:30:00Z", "1772335800000", "2026-11-02T04:30:00.5Z"),
    "agreed": ("", "true", "false"),
    "tier": ("", "g", "s", "x"),
    "likes": ("", "r", "b;r", "b;x"),
}
HOME = "America/New_York"


class Contacts:
    """A few contacts with few addresses, so that they meet; chosen by any number."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._labels = {name: dict(options) for name, options in OPTIONS.items()}

    async def begin(self) -> None:
        """Have none, and the properties that are mapped."""
        await self.purge(await self.ids())
        await self.purge(await self.archived())
        await self.move(HOME)
        for name in DEFINITIONS:
            await self._define(name)

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

    async def move(self, zone: str) -> None:
        """Have the account in a time zone, where moments may be other days."""
        await self._rig.at_hubspot("time-zone", name=zone)

    async def rename_option(self, name: str, value: str, label: str) -> None:
        """Show an option under another label, which changes no contact."""
        self._labels[name][value] = label
        await self._define(name)

    async def _define(self, name: str) -> None:
        labels = self._labels.get(name, {})
        options = [{"value": value, "label": label} for value, label in labels.items()]
        definition = {"name": name, "options": options} | DEFINITIONS[name]
        await self._rig.at_hubspot("property", object="contacts", definition=definition)
