"""The limits of an Airtable user and of the bases it reaches."""

from tablesync.sync_runner.access.budgets import Budgets, Rate
from tablesync.sync_runner.access.budgets.rates import RateBudget
from tablesync.sync_runner.airtable.settings import AirtableSettings


class AirtableBudgets:
    """The limits of one Airtable user and of the bases it reaches.

    A hair below the limit: what was delayed on the way then never adds up.
    """

    SHARE = 0.995

    def __init__(self, budgets: Budgets, user_id: str, settings: AirtableSettings) -> None:
        self._budgets = budgets
        self._base_per_second = self.SHARE * settings.runner_airtable_base_per_second
        user_per_second = self.SHARE * settings.runner_airtable_user_per_second
        self._bases: dict[str, RateBudget] = {}
        self.user = budgets.of(Rate(f"airtable-user/{user_id}", user_per_second, burst=10))

    def base(self, base_id: str) -> RateBudget:
        """Return the budget of a base, which all its users share."""
        if base_id not in self._bases:
            limit = Rate(f"airtable-base/{base_id}", self._base_per_second)
            self._bases[base_id] = self._budgets.of(limit)
        return self._bases[base_id]
