"""Asking a provider whether it takes an access token, which changes nothing there."""

import structlog
from pydantic import SecretStr
from tablesync.auth_service.errors import AppRefusedError, ProviderUnavailableError
from tablesync.auth_service.providers.base import OAuthHost, Probe
from tablesync.contracts import Provider

log = structlog.get_logger()

APP_REFUSED_COOLDOWN_SECONDS = 60.0


async def is_accepted(provider: OAuthHost, token: SecretStr) -> bool:
    """Ask; raises ProviderUnavailableError also where the provider refuses our app."""
    try:
        return await provider.probe(token) is Probe.ACCEPTED
    except AppRefusedError as error:
        raise app_refused(provider.name, error) from error


def app_refused(provider: Provider, error: AppRefusedError) -> ProviderUnavailableError:
    """Alarm us: no operator can help with this, and no connection is to blame."""
    log.error("provider refuses our app", provider=provider, reason=str(error))
    return ProviderUnavailableError(provider, APP_REFUSED_COOLDOWN_SECONDS, processed=False)
