"""HubSpot as a source: what all its connections share in one process."""

from collections import defaultdict

from tablesync.service_kit.http.client import new_client
from tablesync.sync_runner.access.budgets import Budgets
from tablesync.sync_runner.access.provider_client import ProviderClient
from tablesync.sync_runner.sources.hubspot.budgets import HubSpotBudgets
from tablesync.sync_runner.sources.hubspot.definitions import KnownAccount
from tablesync.sync_runner.sources.hubspot.settings import HubSpotSettings
from tablesync.sync_runner.sources.hubspot.source import HubSpotSource


class HubSpot:
    """Opens the portals that are connected."""

    def __init__(self, settings: HubSpotSettings, budgets: Budgets) -> None:
        self.http = new_client(str(settings.hubspot_api_url))
        self._settings = settings
        self._budgets = budgets
        self._accounts: defaultdict[str, KnownAccount] = defaultdict(KnownAccount)

    def open(self, client: ProviderClient, account_id: str) -> HubSpotSource:
        """Open one portal."""
        budgets = HubSpotBudgets(self._budgets, account_id, self._settings)
        overlap = self._settings.runner_hubspot_overlap_seconds
        return HubSpotSource(client, budgets, overlap, self._accounts[account_id])
