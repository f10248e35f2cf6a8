"""The outer half of sync-runner's rig: two accounts in the sandbox, and what people do there."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import httpx
from tablesync.contracts import Account, Destination, Provider, SyncSpec
from tablesync.test_kit import NO_TLS, SandboxControl
from tablesync.test_kit.stand_ins import AuthServiceStandIn, HeldConnection

WORKSPACE = "ws_0198f0c2-0000-7000-8000-000000000001"
HUBSPOT, AIRTABLE = "con_hubspot", "con_airtable"
# A small portal: what a test needs more of, it creates. The large one has the awkward values.
PORTAL, LARGE_PORTAL = "7002", "7001"
ACCOUNTS = {HUBSPOT: (Provider.HUBSPOT, PORTAL), AIRTABLE: (Provider.AIRTABLE, "-")}
Json = dict[str, Any]


@dataclass
class SandboxAccounts:
    """A HubSpot portal and an Airtable user, connected as auth-service's stand-in holds them."""

    sandbox: SandboxControl
    auth: AuthServiceStandIn

    # accounts and connections

    async def connect(self) -> None:
        """Connect a HubSpot portal and an Airtable user, without limits."""
        self.auth.new_token = self._new_token
        for connection_id, (provider, account) in ACCOUNTS.items():
            held = self.auth.connect(connection_id, WORKSPACE, provider, _account(account))
            held.token = await self._new_token(held)
        for provider in (Provider.HUBSPOT, Provider.AIRTABLE):
            await self.sandbox.control(provider, "-", "limits", enabled=False)

    async def use_portal(self, portal: str) -> None:
        """Connect another portal, as one grant version later."""
        self.hubspot.account = _account(portal)
        await self.auth.refresh(HUBSPOT)

    @property
    def hubspot(self) -> HeldConnection:
        """The source's connection, as auth-service holds it."""
        return self.auth.connections[HUBSPOT]

    @property
    def airtable(self) -> HeldConnection:
        """The destination's connection, as auth-service holds it."""
        return self.auth.connections[AIRTABLE]

    async def _new_token(self, held: HeldConnection) -> str:
        minted = await self.sandbox.mint(held.provider, held.account.id)
        return str(minted["access_token"])

    # what HubSpot and Airtable hold

    async def deals(self) -> list[Json]:
        """Return HubSpot's deals as they are."""
        return await self.hubspot_records("deals")

    async def hubspot_records(self, object_: str) -> list[Json]:
        """Return the connected portal's records as they are."""
        return await self.sandbox.records("hubspot", self.hubspot.account.id, object=object_)

    async def fill(self, total: int, object_: str = "deals") -> None:
        """Create records until the object has so many."""
        missing = total - len(await self.sandbox.records("hubspot", PORTAL, object=object_))
        await self.at_hubspot("create", object=object_, count=missing)

    async def edit(self, object_: str, ids: Iterable[str], **properties: str) -> None:
        """Change properties of HubSpot's records, or touch them as they are."""
        changes = {"properties": properties} if properties else {}
        await self.at_hubspot("edit", object=object_, ids=list(ids), **changes)

    async def at_hubspot(self, action: str, /, **body: Any) -> Json:
        """Do something at the small portal."""
        return await self.sandbox.control("hubspot", PORTAL, action, **body)

    async def at_airtable(self, action: str, /, **body: Any) -> Json:
        """Do something at Airtable."""
        return await self.sandbox.control("airtable", "-", action, **body)

    async def slow_down(self, provider: Provider, milliseconds: int) -> None:
        """Have a provider take so long for each answer."""
        await self.sandbox.control(provider, "-", "latency", ms=milliseconds)

    async def call(
        self, connection: HeldConnection, method: str, path: str, json: Json | None = None
    ) -> Json:
        """Call a provider as any program with the connection's token can."""
        headers = {"Authorization": f"Bearer {connection.token}"}
        url = f"{self.sandbox.url}/{connection.provider}"
        async with httpx.AsyncClient(
            base_url=url, headers=headers, verify=NO_TLS, timeout=30
        ) as http:
            response = await http.request(method, path, json=json)
        found: Json = response.raise_for_status().json()
        return found

    async def properties(self, object_: str) -> dict[str, Json]:
        """Return the properties of an object by name, as HubSpot defines them."""
        told = await self.call(self.hubspot, "GET", f"/crm/properties/2026-09/{object_}")
        return {each["name"]: each for each in told["results"]}

    async def new_base(self, name: str, *tables: Json) -> Json:
        """Make a base of Ada's, with tables of {name, fields}, and return it."""
        return await self.at_airtable("create-base", name=name, tables=list(tables))

    async def new_table(self, *fields: Json) -> tuple[Destination, list[str]]:
        """Make a table with these fields in a base of its own; return it with its field ids."""
        base = await self.new_base("Own", {"name": "T", "fields": list(fields)})
        (table,) = base["tables"]
        ids = [each["id"] for each in table["fields"]]
        return destination(base, table), ids

    async def rows(self, spec: SyncSpec) -> list[Json]:
        """Return the table's rows by field id, from ground truth."""
        return [each["fields"] for each in await self._table(spec, by="id")]

    async def row_ids(self, spec: SyncSpec) -> dict[str, str]:
        """Return the ids of the table's rows by what they hold in the key's field."""
        key = spec.key.field_id
        return {each["fields"].get(key): each["id"] for each in await self._table(spec, by="id")}

    async def at_table(self, spec: SyncSpec, action: str, /, **body: Any) -> Json:
        """Do something by hand at a sync's table."""
        to = spec.destination
        return await self.at_airtable(action, base=to.base_id, table=to.table_id, **body)

    async def named_rows(self, spec: SyncSpec) -> list[Json]:
        """Return the table's rows by field name, from ground truth."""
        return [each["fields"] for each in await self._table(spec)]

    async def _table(self, spec: SyncSpec, **how: str) -> list[Json]:
        to = spec.destination
        place = {"base": to.base_id, "table": to.table_id}
        return await self.sandbox.records("airtable", "-", **place, **how)

    async def counters(self, provider: Provider) -> Json:
        """Return what a provider has counted."""
        found: Json = (await self.sandbox.counters())[provider]
        return found


def destination(base: Json, table: Json) -> Destination:
    """Name a table of the connected Airtable user."""
    return Destination(connection_id=AIRTABLE, base_id=base["id"], table_id=table["id"])


def text(name: str) -> Json:
    """Describe a text field that a table shall have."""
    return {"name": name, "type": "singleLineText"}


def _account(account_id: str) -> Account:
    return Account(id=account_id, name="Acme")
