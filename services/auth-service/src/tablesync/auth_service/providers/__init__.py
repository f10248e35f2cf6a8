"""The providers that TableSync connects to: each is its file here and its line in PROVIDERS."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from tablesync.auth_service.providers.airtable import Airtable, AirtableSettings
from tablesync.auth_service.providers.base import OAuthProvider, ProviderContext
from tablesync.auth_service.providers.hubspot import HubSpot, HubSpotSettings
from tablesync.contracts import Provider


class ProviderSettings(AirtableSettings, HubSpotSettings):
    """What all providers read from the environment."""


StartProvider = Callable[[ProviderSettings, ProviderContext], OAuthProvider]
Registry = Mapping[Provider, StartProvider]
PROVIDERS: Registry = MappingProxyType({Provider.HUBSPOT: HubSpot, Provider.AIRTABLE: Airtable})


def start_all(
    registry: Registry, settings: ProviderSettings, context: ProviderContext
) -> list[OAuthProvider]:
    """Make every provider of a registry."""
    return [start(settings, context) for start in registry.values()]
