"""The actions that only HubSpot has."""

import random
from typing import Any
from zoneinfo import available_timezones

from tablesync.sandbox.hubspot.authorize import DECLARED_SCOPES
from tablesync.sandbox.hubspot.crm_records import CrmRecords
from tablesync.sandbox.hubspot.portals import PortalState
from tablesync.sandbox.hubspot.state import HubSpotState
from tablesync.sandbox.hubspot.tokens import TokenRoutes
from tablesync.sandbox.ids import opaque
from tablesync.sandbox.people import CLIENTS, PORTALS
from tablesync.sandbox.seed.catalogue import OBJECT_ALIASES

from .reading import Action, Body, bad_body, member, unknown
from .shared import SharedActions

_EDITED = {
    "contacts": ("jobtitle", "message"),
    "companies": ("city", "description"),
    "deals": ("dealname", "description"),
}


class HubSpotActions:
    """Uninstalling, and playing the people who work in a portal."""

    def __init__(self, state: HubSpotState) -> None:
        self._state = state
        self._shared = SharedActions(state)

    def table(self) -> dict[str, Action]:
        """Return all HubSpot actions by name."""
        return {
            **self._shared.table(),
            "uninstall": lambda account, _: self._shared.end(account, "uninstalled"),
            "delete-portal": self.delete_portal,
            "mint": self.mint,
            "edit": self.edit,
            "age": self.age,
            "create": self.create,
            "archive": self.archive,
            "restore": self.restore,
            "purge": self.purge,
            "merge": self.merge,
            "property": self.property,
            "time-zone": self.time_zone,
            "hold-page": self.hold_page,
            "search-lag": self.search_lag,
        }

    def accounts(self) -> dict[str, str]:
        """Return the portals by every name that a path may use."""
        return {name: name for name in PORTALS}

    def _portal(self, account: str) -> PortalState:
        return self._state.portals[next(iter(PORTALS)) if account == "-" else account]

    def records(self, account: str, kind: str) -> CrmRecords:
        """Return the records of an object, or a problem naming the objects."""
        name = OBJECT_ALIASES.get(kind)
        if name is None:
            raise unknown("object", kind, list(_EDITED))
        return self._portal(account).objects[name]

    def delete_portal(self, account: str, _: Body) -> Body:
        """Delete the portal: its grants die, and a refresh answers BAD_HUB."""
        self._state.deleted_portals.add(account)
        return self._shared.end(account, "portal deleted")

    def mint(self, account: str, body: Body) -> Body:
        """Hand out a token as if an admin had connected the app."""
        portal = self._portal(account).portal
        user = str(body.get("user") or portal.admins[0].email)
        scopes = body.get("scopes") or sorted(DECLARED_SCOPES)
        grants = self._state.grants
        grant = grants.open(portal.id, user, CLIENTS["hubspot"][0], scopes)
        refresh = grants.issue(grant, "refresh", f"{portal.region}-{opaque(8)}-{opaque(36)}")
        access = TokenRoutes(self._state).issue_access(grant)
        return {
            "access_token": access.value,
            "refresh_token": refresh.value,
            "account": portal.id,
            "grant": grant.id,
        }

    def edit(self, account: str, body: Body) -> Body:
        """Edit records: the given ones, or as many as asked, chosen by the seed."""
        kind = str(member(body, "object"))
        records = self.records(account, kind)
        number, silently = int(body.get("seed", 1)), bool(body.get("silently"))
        edited = []
        for record_id in _chosen(records, body, number):
            changes = body.get("properties") or _edit(records, record_id, number)
            if records.edit(record_id, changes, silently=silently):
                edited.append(str(record_id))
        return {"edited": edited}

    def age(self, account: str, body: Body) -> Body:
        """Let time pass for an object: its records changed so many seconds earlier."""
        records = self.records(account, str(member(body, "object")))
        return {"aged": records.age(float(member(body, "seconds")))}

    def create(self, account: str, body: Body) -> Body:
        """Create records: the given ones, or as many as asked."""
        records = self.records(account, str(member(body, "object")))
        wanted = body.get("records")
        if wanted is None:
            name = _EDITED[records.kind][0]
            wanted = [{name: f"Created {n}"} for n in range(int(member(body, "count")))]
        created = [records.create(entry.get("properties", entry)) for entry in wanted]
        return {"created": [str(record.id) for record in created]}

    def archive(self, account: str, body: Body) -> Body:
        """Archive records."""
        records = self.records(account, str(member(body, "object")))
        ids = [str(record_id) for record_id in member(body, "ids")]
        return {"archived": [name for name in ids if records.archive(int(name))]}

    def restore(self, account: str, body: Body) -> Body:
        """Take records out of the archive; when they were last changed stays as it was."""
        records = self.records(account, str(member(body, "object")))
        ids = [str(record_id) for record_id in member(body, "ids")]
        return {"restored": [name for name in ids if records.restore(int(name))]}

    def purge(self, account: str, body: Body) -> Body:
        """Delete records for good, as privacy law asks for: no list ever shows them again."""
        records = self.records(account, str(member(body, "object")))
        ids = [str(record_id) for record_id in member(body, "ids")]
        return {"purged": [name for name in ids if records.purge(int(name))]}

    def merge(self, account: str, body: Body) -> Body:
        """Merge live records: into the first, or with `into_new` into one with a new id."""
        records = self.records(account, str(member(body, "object")))
        ids = [int(record_id) for record_id in member(body, "ids")]
        if len(set(ids)) < 2 or not all(each in records.live_ids for each in ids):
            raise bad_body("The ids have to be those of two or more live records.")
        return {"id": str(records.merge(ids, into_new=bool(body.get("into_new"))).id)}

    def time_zone(self, account: str, body: Body) -> Body:
        """Move the portal into another time zone, by its IANA name."""
        name = str(member(body, "name"))
        if name not in available_timezones():
            raise bad_body(f"There is no time zone {name!r}.")
        self._portal(account).time_zone = name
        return {"time_zone": name}

    def property(self, account: str, body: Body) -> Body:
        """Create or change a property definition."""
        records = self.records(account, str(member(body, "object")))
        definition = member(body, "definition")
        if not isinstance(definition, dict) or "name" not in definition:
            raise bad_body("The definition has to be an object with a name.")
        return self._portal(account).definitions[records.kind].put(definition)

    def hold_page(self, account: str, body: Body) -> Body:
        """Perform an action once so many data pages of an object have been served."""
        records = self.records(account, str(member(body, "object")))
        return self._shared.add_arm(
            account,
            path_contains="",
            page_of=records.kind,
            responses=int(body.get("after_pages", 1)),
            action=str(body.get("action") or "uninstall"),
            body=dict(body.get("body") or {}),
        )

    def search_lag(self, account: str, body: Body) -> Body:
        """Let search see changes only after so many seconds."""
        self._portal(account).search_lag_seconds = float(member(body, "seconds"))
        return {"seconds": body["seconds"]}


def _chosen(records: CrmRecords, body: Body, number: int) -> list[int]:
    if body.get("ids") is not None:
        return [int(record_id) for record_id in body["ids"]]
    count = min(int(member(body, "count")), len(records))
    return sorted(random.Random(number).sample(list(records.live_ids), count))


def _edit(records: CrmRecords, record_id: int, number: int) -> dict[str, Any]:
    short, long = _EDITED[records.kind]
    return {short: f"Edited {number} ✏️ {record_id}", long: f"Edit {number}\nof {record_id}"}
