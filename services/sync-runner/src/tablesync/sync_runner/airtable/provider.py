"""Airtable as the destination: what all its connections share in one process."""

from tablesync.contracts import Provider
from tablesync.service_kit.http.client import new_client
from tablesync.sync_runner.access.budgets import Budgets
from tablesync.sync_runner.access.provider_client import ProviderClient
from tablesync.sync_runner.airtable.budgets import AirtableBudgets
from tablesync.sync_runner.airtable.client import AirtableClient
from tablesync.sync_runner.airtable.settings import AirtableSettings


class Airtable:
    """Opens what the users who are connected have granted."""

    provider = Provider.AIRTABLE

    def __init__(self, settings: AirtableSettings, budgets: Budgets) -> None:
        self.http = new_client(str(settings.airtable_api_url))
        self._settings = settings
        self._budgets = budgets

    def open(self, client: ProviderClient, account_id: str) -> AirtableClient:
        """Open what one user has granted."""
        return AirtableClient(client, AirtableBudgets(self._budgets, account_id, self._settings))

    async def aclose(self) -> None:
        """Close the client."""
        await self.http.aclose()
