"""HubSpot: tokens live 30 minutes, refresh tokens do not rotate, an account is a portal."""

from typing import Any

import httpx
from pydantic import BaseModel, SecretStr, StrictBool
from tablesync.auth_service.errors import (
    AppRefusedError,
    CodeRefusedError,
    GrantLostError,
    ProviderUnavailableError,
)
from tablesync.auth_service.providers.answers import Answer, Name, Shown, understood
from tablesync.auth_service.providers.base import Hints, Identity, Probe, ProviderContext, Rotation
from tablesync.auth_service.providers.oauth_client import OAuthApp, OAuthClient
from tablesync.auth_service.providers.one_host import OneHost
from tablesync.auth_service.providers.profile import Profile
from tablesync.auth_service.setting_types import HttpUrl, Secret
from tablesync.contracts import Account, ConnectionCause, Provider
from tablesync.contracts.internal_api.base import Text
from tablesync.contracts.permissions import required_scopes
from tablesync.contracts.public_api.connections import Places

API_VERSION = "2026-09"
SCOPES = required_scopes(Provider.HUBSPOT)
# What an object is called in the addresses of pages.
_OBJECT_TYPES = {"contacts": "0-1", "companies": "0-2", "deals": "0-3"}
_LOST = {
    "BAD_REFRESH_TOKEN": ConnectionCause.APP_UNINSTALLED,
    "BAD_HUB": ConnectionCause.APP_UNINSTALLED,
}
_CODE_REFUSED = {"BAD_AUTH_CODE", "BAD_CODE_VERIFIER"}
_APP_REFUSED = {
    "BAD_CLIENT_ID",
    "BAD_CLIENT_SECRET",
    "BAD_GRANT_TYPE",
    "BAD_REDIRECT_URI",
    "BAD_SCOPES",
}
# The account is locked for a while, or being moved between data centres.
_NOT_NOW = frozenset({423, 477})


class Introspection(Answer):
    """What HubSpot says of an access token: of one that is not active, nothing else."""

    active: StrictBool
    hub_id: Name | None = None
    hub_domain: Shown = None
    user: Shown = None
    scopes: tuple[str, ...] | None = None


class HubSpotSettings(BaseModel):
    """Where HubSpot is, and how TableSync is registered there."""

    hubspot_api_url: HttpUrl = "https://api.hubapi.com"
    hubspot_app_url: HttpUrl = "https://app.hubspot.com"
    auth_hubspot_client_id: Text
    auth_hubspot_client_secret: Secret


class HubSpot(OneHost):
    """HubSpot's OAuth endpoints; a refresh leaves older access tokens valid."""

    name = Provider.HUBSPOT
    hints = Hints(
        asks="HubSpot will ask you to let TableSync read your contacts, companies and deals. "
        "TableSync changes nothing there.",
        connect="HubSpot asks which portal to use: choose the one whose records are to be synced. "
        "Whoever allows access has to be a super admin there, or have App Marketplace access.",
        reconnect="HubSpot asks which portal to use: choose the same one as before. Whoever allows "
        "access has to be a super admin there, or have App Marketplace access.",
        removal="To remove the app too: HubSpot → Settings → Integrations → Connected Apps.",
    )
    profile = Profile(
        mark=(
            "M5.8 9a3.2 3.2 0 1 0 6.4 0 3.2 3.2 0 1 0-6.4 0",
            "M3.5 19c.6-3.4 2.7-5 5.5-5s4.9 1.6 5.5 5",
            "M15.5 6.5h5M15.5 10.5h5M17.5 14.5h3",
        ),
        about="Bring contacts, companies and deals into Airtable. You sign in at HubSpot; "
        "TableSync only reads there.",
        reads="contacts, companies, deals",
        needs="super admin rights, or App Marketplace access",
        is_source=True,
        # Its page says that nothing was connected, and stays.
        comes_back_after_refusal=False,
    )
    rotation = Rotation.NONE
    required_scopes = SCOPES
    idle_seconds: int | None = None

    def __init__(self, settings: HubSpotSettings, context: ProviderContext) -> None:
        oauth = f"{settings.hubspot_api_url}/oauth/{API_VERSION}"
        self._introspection_url = f"{oauth}/token/introspect"
        self._revocation_url = f"{oauth}/token/revoke"
        app = OAuthApp(
            provider=self.name,
            client_id=settings.auth_hubspot_client_id,
            client_secret=settings.auth_hubspot_client_secret,
            redirect_uri=context.redirect_uri(self.name),
            authorize_url=f"{settings.hubspot_app_url}/oauth/authorize",
            token_url=f"{oauth}/token",
            client_authentication="client_secret_post",
            scope=" ".join(SCOPES),
            not_now=_NOT_NOW,
        )
        super().__init__(OAuthClient(app, context, classify), issuer=settings.hubspot_app_url)
        self.sign_out_url = f"{settings.hubspot_app_url}/logout"
        self.places = _places(f"{settings.hubspot_app_url}/contacts/{{account}}")
        # Accounts of other regions are redirected to hosts such as app-eu1.
        self.web_origins += ("https://*.hubspot.com",)

    async def identify(self, access_token: SecretStr) -> Identity:
        """Name the portal by its domain, and whoever allowed access by e-mail."""
        answer = await self._introspect(access_token)
        if not answer.active:
            raise GrantLostError(ConnectionCause.TOKEN_REJECTED)
        if answer.hub_id is None:
            raise ProviderUnavailableError(self.name)
        account = Account(
            id=answer.hub_id,
            name=answer.hub_domain or f"Portal {answer.hub_id}",
            email=answer.user,
        )
        return Identity(account, answer.scopes or ())

    async def end(self, refresh_token: SecretStr) -> bool:
        """End this grant; the app stays installed, and so do other grants."""
        await self._oauth.revoke(self._revocation_url, refresh_token)
        return True

    async def probe(self, access_token: SecretStr) -> Probe:
        """Ask HubSpot whether it still knows the token."""
        answer = await self._introspect(access_token)
        return Probe.ACCEPTED if answer.active else Probe.REJECTED

    async def _introspect(self, access_token: SecretStr) -> Introspection:
        answer = await self._oauth.introspect(self._introspection_url, access_token)
        return understood(Introspection, self.name, answer)


def classify(status_code: int, body: dict[str, Any]) -> None:
    """Raise what an error of HubSpot's token endpoint stands for; the body's `status` decides.

    All of them are a 400: the same words with another one are somebody else's, on the way there.
    """
    status = body.get("status")
    if status_code != httpx.codes.BAD_REQUEST or not isinstance(status, str | None):
        return
    if "not issued to this client" in str(body.get("message")):
        raise AppRefusedError("the refresh token belongs to another client id", processed=False)
    if status in _LOST:
        raise GrantLostError(_LOST[status])
    if status in _CODE_REFUSED:
        raise CodeRefusedError(status)
    if status in _APP_REFUSED:
        raise AppRefusedError(status, processed=False)
    if status is None and body.get("error") == "invalid_grant":
        raise GrantLostError(ConnectionCause.GRANT_REVOKED)


def _places(portal: str) -> Places:
    return Places(
        lists={
            name: f"{portal}/objects/{each}/views/all/list" for name, each in _OBJECT_TYPES.items()
        },
        records={
            name: f"{portal}/record/{each}/{{record}}" for name, each in _OBJECT_TYPES.items()
        },
    )
