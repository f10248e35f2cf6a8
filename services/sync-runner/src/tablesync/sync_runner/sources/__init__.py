"""Sources: what a sync can read from. A provider is its folder here and its line in SOURCES."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from tablesync.contracts import Provider
from tablesync.contracts.wording import PROVIDER_LABELS
from tablesync.sync_runner.access.budgets import Budgets
from tablesync.sync_runner.errors import RunFailedError
from tablesync.sync_runner.sources.base import SourceProvider
from tablesync.sync_runner.sources.hubspot.provider import HubSpot
from tablesync.sync_runner.sources.hubspot.settings import HubSpotSettings


class SourceSettings(HubSpotSettings):
    """What all sources read from the environment."""


StartProvider = Callable[[SourceSettings, Budgets], SourceProvider]
SOURCES: Mapping[Provider, StartProvider] = MappingProxyType({Provider.HUBSPOT: HubSpot})


class Sources:
    """The sources of one process, by provider."""

    def __init__(
        self,
        settings: SourceSettings,
        budgets: Budgets,
        known: Mapping[Provider, StartProvider] = SOURCES,
    ) -> None:
        self._started = {each: start(settings, budgets) for each, start in known.items()}

    def of(self, provider: Provider) -> SourceProvider:
        """Return a provider as a source; raises RunFailedError (resource) if it is none."""
        if provider not in self._started:
            raise RunFailedError.resource(
                f"TableSync cannot read from {PROVIDER_LABELS[provider]}."
            )
        return self._started[provider]

    async def aclose(self) -> None:
        """Close the clients."""
        for each in self._started.values():
            await each.http.aclose()
