"""The two limits of a HubSpot account, and what its headers say about them."""

import re

import httpx
from tablesync.sync_runner.access.budgets import Budgets, Rate, Reservation
from tablesync.sync_runner.sources.hubspot.settings import HubSpotSettings

ROLLING_SECONDS = 10
# No account has less: whatever says so speaks of another limit, or is wrong.
LEAST_PER_SECOND = 1
_NUMBER = re.compile(r"^[1-9][0-9]{0,8}$")


class HubSpotBudgets:
    """The two limits of one HubSpot account."""

    # Both are windows, not buckets: what came late counts in the next window too, so neither
    # is used to its last place.
    ROLLING_SHARE, SEARCH_SHARE = 0.9, 0.8

    def __init__(self, budgets: Budgets, account_id: str, settings: HubSpotSettings) -> None:
        per_second = settings.runner_hubspot_per_ten_seconds / ROLLING_SECONDS
        self.rolling = budgets.of(
            Rate(f"hubspot/{account_id}", self.ROLLING_SHARE * per_second, burst=5)
        )
        per_second = self.SEARCH_SHARE * settings.runner_hubspot_search_per_second
        self.search = budgets.of(Rate(f"hubspot-search/{account_id}", per_second, late_seconds=0.1))

    async def learn(self, response: httpx.Response, reservation: Reservation) -> None:
        """Correct the budget by the limit that HubSpot names, if that can be one."""
        maximum = response.headers.get("X-HubSpot-RateLimit-Max", "")
        interval = response.headers.get("X-HubSpot-RateLimit-Interval-Milliseconds", "")
        if _NUMBER.match(maximum) and _NUMBER.match(interval):
            per_second = int(maximum) * 1000 / int(interval)
            if per_second >= LEAST_PER_SECOND:
                self.rolling.correct(self.ROLLING_SHARE * per_second)
