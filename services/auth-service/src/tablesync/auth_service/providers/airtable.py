"""Airtable: tokens live 60 minutes and rotate, PKCE is compulsory, an account is a user."""

from typing import Any

import httpx
from pydantic import BaseModel, SecretStr
from tablesync.auth_service.errors import (
    AppRefusedError,
    GrantLostError,
    ProviderUnavailableError,
)
from tablesync.auth_service.providers.answers import Answer, Name, Shown, understood
from tablesync.auth_service.providers.base import Hints, Identity, Probe, ProviderContext, Rotation
from tablesync.auth_service.providers.oauth_client import (
    OAuthApp,
    OAuthClient,
    deadline,
    raise_if_unavailable,
)
from tablesync.auth_service.providers.one_host import OneHost
from tablesync.auth_service.providers.profile import Profile
from tablesync.auth_service.setting_types import HttpUrl, Secret
from tablesync.contracts import Account, ConnectionCause, Provider
from tablesync.contracts.internal_api.base import Text
from tablesync.contracts.permissions import required_scopes
from tablesync.contracts.public_api.connections import Places
from tablesync.service_kit.http.client import json_or_none

SCOPES = required_scopes(Provider.AIRTABLE)
IDLE_SECONDS = 60 * 24 * 3_600


class Whoami(Answer):
    """Whose token it is, and what it allows."""

    id: Name
    email: Shown = None
    scopes: tuple[str, ...] | None = None


class Base(Answer):
    """A base, as far as it is asked for here."""

    id: Name


class Bases(Answer):
    """A page of the bases that a token reaches, and where to go on."""

    bases: tuple[Base, ...]
    offset: Name | None = None


class AirtableSettings(BaseModel):
    """Where Airtable is, and how TableSync is registered there."""

    airtable_web_url: HttpUrl = "https://airtable.com"
    airtable_token_url: HttpUrl | None = None
    airtable_api_url: HttpUrl = "https://api.airtable.com"
    auth_airtable_client_id: Text
    auth_airtable_client_secret: Secret


class Airtable(OneHost):
    """Airtable's OAuth endpoints and whoami; a refresh ends the old tokens of both kinds."""

    name = Provider.AIRTABLE
    hints = Hints(
        asks="Airtable will ask you to let TableSync read and write records, see which tables and "
        "fields there are, and see your e-mail address.",
        connect="Airtable asks which bases TableSync may use: choose every base that is to be "
        "synced to, or all of them. A base left out cannot be written to.",
        reconnect="Airtable asks which bases TableSync may use: choose every base that your syncs "
        "write to, or all of them.",
        removal="To remove it too: Airtable → Account → Integrations → Third-party.",
        left_out="A sync to a base that was not chosen is held instead, and a mail names it: then "
        "connect once more and choose that base as well.",
    )
    profile = Profile(
        mark=(
            "M6 4.5h12a2.5 2.5 0 0 1 2.5 2.5v10a2.5 2.5 0 0 1-2.5 2.5H6A2.5 2.5 0 0 1 3.5 17V7A2.5 "
            "2.5 0 0 1 6 4.5z",
            "M3.5 9.5h17M9.5 9.5v10",
        ),
        about="Have records written into your tables. You sign in at Airtable and choose which "
        "bases TableSync may use; it touches the tables and fields that you map, and no others.",
        reads="the tables that you choose",
        needs="editor rights in each base",
        is_destination=True,
    )
    rotation = Rotation.STRICT
    required_scopes = SCOPES
    idle_seconds: int | None = IDLE_SECONDS

    def __init__(self, settings: AirtableSettings, context: ProviderContext) -> None:
        self._http = context.http
        self._meta_url = f"{settings.airtable_api_url}/v0/meta"
        oauth = f"{settings.airtable_web_url}/oauth2/v1"
        app = OAuthApp(
            provider=self.name,
            client_id=settings.auth_airtable_client_id,
            client_secret=settings.auth_airtable_client_secret,
            redirect_uri=context.redirect_uri(self.name),
            authorize_url=f"{oauth}/authorize",
            token_url=settings.airtable_token_url or f"{oauth}/token",
            client_authentication="client_secret_basic",
            scope=" ".join(SCOPES),
        )
        super().__init__(OAuthClient(app, context, classify), issuer=settings.airtable_web_url)
        self.sign_out_url = f"{settings.airtable_web_url}/logout"
        table = f"{settings.airtable_web_url}/{{base}}/{{table}}"
        self.places = Places(table=table, row=f"{table}/{{row}}")

    async def identify(self, access_token: SecretStr) -> Identity:
        """Name the user by e-mail: Airtable tells no other name."""
        answer = await self._whoami(access_token)
        if answer is None:
            raise GrantLostError(ConnectionCause.TOKEN_REJECTED)
        account = Account(id=answer.id, name=answer.email or answer.id, email=answer.email)
        return Identity(account, answer.scopes or ())

    async def granted_bases(self, access_token: SecretStr) -> frozenset[str] | None:
        """List what was chosen on the consent page, a thousand bases at a time."""
        found: set[str] = set()
        offset, seen = None, set[str | None]()
        while offset not in seen:
            seen.add(offset)
            page = await self._bases(access_token, offset)
            found |= {each.id for each in page.bases}
            offset = page.offset
            if offset is None:
                return frozenset(found)
        raise ProviderUnavailableError(self.name)  # since the list goes in a circle

    async def end(self, refresh_token: SecretStr) -> bool:
        """Airtable lets only the user end a grant."""
        return False

    async def probe(self, access_token: SecretStr) -> Probe:
        """Ask Airtable who we are; any living token may."""
        return Probe.REJECTED if await self._whoami(access_token) is None else Probe.ACCEPTED

    async def _bases(self, access_token: SecretStr, offset: str | None) -> Bases:
        response = await self._get("bases", access_token, {"offset": offset} if offset else {})
        if not response.is_success:
            raise ProviderUnavailableError(self.name)
        return understood(Bases, self.name, json_or_none(response))

    async def _whoami(self, access_token: SecretStr) -> Whoami | None:
        """Return the answer; None for a token that Airtable rejects."""
        response = await self._get("whoami", access_token)
        if response.status_code == httpx.codes.UNAUTHORIZED:
            return None
        raise_if_unavailable(self.name, response)
        if not response.is_success:
            raise ProviderUnavailableError(self.name)
        return understood(Whoami, self.name, json_or_none(response))

    async def _get(
        self, path: str, access_token: SecretStr, query: dict[str, str] | None = None
    ) -> httpx.Response:
        bearer = {"Authorization": f"Bearer {access_token.get_secret_value()}"}
        async with deadline(self.name):
            return await self._http.get(f"{self._meta_url}/{path}", headers=bearer, params=query)


def classify(status_code: int, body: dict[str, Any]) -> None:
    """Raise what an error of Airtable's token endpoint stands for, with the status it comes with.

    The same words with another status are somebody else's, on the way there.
    """
    match status_code, body.get("error"):
        case httpx.codes.BAD_REQUEST, "invalid_grant":
            raise GrantLostError(ConnectionCause.GRANT_REVOKED)
        case httpx.codes.UNAUTHORIZED, "invalid_client":
            raise AppRefusedError("invalid_client", processed=False)
