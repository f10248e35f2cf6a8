"""All that HubSpot remembers."""

from tablesync.sandbox.counters import Counters
from tablesync.sandbox.faults import Faults
from tablesync.sandbox.oauth.answers import AnswerBook
from tablesync.sandbox.oauth.codes import CodeStore
from tablesync.sandbox.oauth.grants import GrantStore
from tablesync.sandbox.settings import Settings

from .portals import PortalState, open_portals

APP_ID = 4401


class HubSpotState:
    """Portals, grants, codes, faults and the auto-answer."""

    KEPT = ("portals", "grants", "failing_sign_ins", "deleted_portals")

    def __init__(self, settings: Settings, counters: Counters) -> None:
        self.settings = settings
        self.counters = counters
        self.reset()

    def reset(self) -> None:
        """Put everything back to the seed."""
        self.portals: dict[str, PortalState] = open_portals(self.settings)
        self.grants = GrantStore("hubspot")
        self.codes = CodeStore()
        self.answers = AnswerBook()
        self.faults = Faults(self.settings.latency_ms)
        self.limits_on = self.settings.limits == "on"
        self.failing_sign_ins: dict[str, str] = {}
        """By e-mail: `password` or `second_factor`."""
        self.deleted_portals: set[str] = set()

    def renew_limits(self, refill: bool) -> None:
        """Empty all windows; without `refill` what is taken stays taken."""
        for portal in self.portals.values():
            portal.renew_limits(refill)
