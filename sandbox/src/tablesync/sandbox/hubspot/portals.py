"""The portals: each with its CRM records, property definitions and limiters."""

import math
from dataclasses import dataclass, field

from tablesync.sandbox.limits import Window
from tablesync.sandbox.people import PORTALS, Portal
from tablesync.sandbox.seed.catalogue import CATALOGUE
from tablesync.sandbox.settings import Settings

from .crm_records import CrmRecords
from .definitions import PropertyDefinitions
from .finder import Finder

SMALL_PORTAL_SIZE = 20
ROLLING_MAXIMUM, ROLLING_SECONDS = 110, 10
SEARCH_MAXIMUM, SEARCH_SECONDS = 5, 1


@dataclass(slots=True)
class PortalState:
    """One portal as it stands."""

    portal: Portal
    objects: dict[str, CrmRecords]
    definitions: dict[str, PropertyDefinitions]
    finders: dict[str, Finder]
    rolling: Window = field(init=False)
    search: Window = field(init=False)
    search_lag_seconds: float = 0
    time_zone: str = field(init=False)

    def __post_init__(self) -> None:
        self.time_zone = self.portal.time_zone
        self.renew_limits(refill=True)

    def renew_limits(self, refill: bool) -> None:
        """Empty the windows; without `refill` what is taken stays taken."""
        self.rolling = Window(ROLLING_MAXIMUM, ROLLING_SECONDS if refill else math.inf)
        self.search = Window(SEARCH_MAXIMUM, SEARCH_SECONDS if refill else math.inf)


def open_portals(settings: Settings) -> dict[str, PortalState]:
    """Return all portals freshly seeded; only the first has the sizes of the settings."""
    sizes = {
        "contacts": settings.contacts,
        "companies": settings.companies,
        "deals": settings.deals,
    }
    small = dict.fromkeys(sizes, SMALL_PORTAL_SIZE)
    first = next(iter(PORTALS))
    return {
        name: _open(portal, sizes if name == first else small, settings.seed + int(name))
        for name, portal in PORTALS.items()
    }


def _open(portal: Portal, sizes: dict[str, int], random_seed: int) -> PortalState:
    objects = {
        kind: CrmRecords(kind, size, random_seed, portal.domain) for kind, size in sizes.items()
    }
    definitions = {kind: PropertyDefinitions(kind) for kind in CATALOGUE}
    return PortalState(
        portal=portal,
        objects=objects,
        definitions=definitions,
        finders={kind: Finder(objects[kind], definitions[kind]) for kind in objects},
    )
