"""The providers as they are started, with settings of their own and nobody to ask."""

import httpx
import pytest
from tablesync.auth_service.providers import PROVIDERS, ProviderSettings, start_all
from tablesync.auth_service.providers.base import ProviderContext
from tablesync.auth_service.providers.served import Providers


@pytest.fixture(scope="session")
def providers() -> Providers:
    """Return every provider that there is a class for."""
    settings = ProviderSettings.model_validate(
        {
            "hubspot_app_url": "https://app.hubspot.test",
            "auth_hubspot_client_id": "id",
            "auth_hubspot_client_secret": "secret",
            "auth_airtable_client_id": "id",
            "auth_airtable_client_secret": "secret",
        }
    )
    http = httpx.AsyncClient()
    context = ProviderContext(httpx.AsyncHTTPTransport(), http, "https://auth.test", 60.0)
    return Providers(start_all(PROVIDERS, settings, context))
