"""What the furnished workspace has: twelve syncs of two HubSpot portals, each into its own base."""

from dataclasses import dataclass
from typing import Any

ACME, GLOBEX = "7001", "7002"
ADA = "ada@acme.test"
HOUR, DAY = 3_600, 86_400


@dataclass(frozen=True)
class Trouble:
    """What a sync meets at Airtable, and what is done at HubSpot so that it has to write there."""

    action: str
    body: dict[str, Any]
    change: str


@dataclass(frozen=True)
class Piece:
    """One sync: of which portal's object, and how often; `trouble` is what it meets at last."""

    name: str
    portal: str
    object: str
    every_seconds: int
    paused: bool = False
    trouble: Trouble | None = None

    @property
    def base(self) -> str:
        """What its base is called: none ends like one that the sandbox has by itself."""
        return f"{self.name} (demo)"


READ_ONLY = Trouble("share", {"level": "read"}, change="edit")
FULL = Trouble("record-limit", {"rows": 10}, change="create")
PIECES = (
    Piece("Contacts", ACME, "contacts", 6 * HOUR),
    Piece("Companies", ACME, "companies", DAY),
    Piece("Deals", ACME, "deals", 3 * HOUR),
    Piece("Weekly numbers", ACME, "deals", 7 * DAY),
    Piece("Board report", ACME, "deals", DAY, paused=True),
    Piece("Old address book", ACME, "companies", DAY, paused=True),
    Piece("Partners", ACME, "companies", DAY, trouble=READ_ONLY),
    Piece("Deals of the trial plan", ACME, "deals", DAY, trouble=FULL),
    Piece("Globex people", GLOBEX, "contacts", 6 * HOUR),
    Piece("Globex companies", GLOBEX, "companies", DAY),
    Piece("Globex deals", GLOBEX, "deals", 3 * HOUR),
    Piece("Globex renewals", GLOBEX, "deals", DAY),
)
