"""Opens a connection's provider for a run or for the catalogue: caller, budgets and client."""

from collections.abc import Callable
from dataclasses import dataclass

import httpx
from tablesync.contracts import Provider
from tablesync.service_kit.http.client import new_client
from tablesync.sync_runner.access.budgets import Budgets
from tablesync.sync_runner.access.provider_client import ProviderClient
from tablesync.sync_runner.airtable.client import AirtableBudgets, AirtableClient
from tablesync.sync_runner.clients.auth_service import Grant
from tablesync.sync_runner.settings import Settings, base_url
from tablesync.sync_runner.sources.base import Source
from tablesync.sync_runner.sources.hubspot.budgets import HubSpotBudgets
from tablesync.sync_runner.sources.hubspot.source import HubSpotSource

NewProviderClient = Callable[[httpx.AsyncClient], ProviderClient]


@dataclass(frozen=True)
class Providers:
    """The HTTP clients and budgets that all runs of this process share."""

    settings: Settings
    budgets: Budgets
    hubspot: httpx.AsyncClient
    airtable: httpx.AsyncClient

    @classmethod
    def of(cls, settings: Settings, budgets: Budgets) -> "Providers":
        """Make the clients; close them with `aclose`."""
        hubspot = new_client(base_url(settings.hubspot_api_url))
        airtable = new_client(base_url(settings.airtable_api_url))
        return cls(settings, budgets, hubspot, airtable)

    async def aclose(self) -> None:
        """Close the clients."""
        await self.hubspot.aclose()
        await self.airtable.aclose()

    def has_source(self, provider: Provider) -> bool:
        """Whether records can be read from this provider."""
        return provider is Provider.HUBSPOT

    def source(self, grant: Grant, connection_id: str, caller: NewProviderClient) -> Source:
        """Open HubSpot, the one source at this scope."""
        settings = self.settings
        budgets = HubSpotBudgets(
            self.budgets,
            grant.account.id,
            settings.runner_hubspot_per_ten_seconds,
            settings.runner_hubspot_search_per_second,
        )
        overlap = settings.runner_hubspot_overlap_seconds
        return HubSpotSource(caller(self.hubspot), budgets, connection_id, overlap)

    def destination(
        self, grant: Grant, connection_id: str, caller: NewProviderClient
    ) -> AirtableClient:
        """Open Airtable."""
        budgets = AirtableBudgets(
            self.budgets,
            grant.account.id,
            self.settings.runner_airtable_base_per_second,
            self.settings.runner_airtable_user_per_second,
        )
        return AirtableClient(caller(self.airtable), budgets, connection_id)
