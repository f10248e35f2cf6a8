"""Sign-in by OpenID Connect: authorization code flow with PKCE, by Authlib.

Who somebody is, auth-service reads of the id token: here it is only fetched.
"""

import warnings
from dataclasses import dataclass

import httpx
from authlib.common.errors import AuthlibBaseError
from authlib.deprecate import AuthlibDeprecationWarning
from pydantic import BaseModel, SecretStr, ValidationError
from tablesync.dashboard.settings import Settings
from tablesync.service_kit.clock import Deadline
from tablesync.service_kit.errors import DependencyUnavailableError

with warnings.catch_warnings():
    # Authlib 1.9 announces httpx2, which this project does not use yet.
    warnings.filterwarnings("ignore", "The httpx module", AuthlibDeprecationWarning)
    from authlib.integrations.httpx_client import AsyncOAuth2Client

SCOPE = "openid email profile"
METADATA_SECONDS = 300.0
TOTAL_SECONDS = 10.0
ISSUER = "identity provider"


class SignInRefusedError(Exception):
    """The identity provider has not said who somebody is."""


class Metadata(BaseModel):
    """Where an issuer's endpoints are (OpenID Connect Discovery 1.0)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    end_session_endpoint: str | None = None


@dataclass(frozen=True)
class SignInAttempt:
    """What a browser is sent away with, and has to come back with."""

    state: str
    nonce: str
    verifier: str


class IdentityProvider:
    """The configured issuer."""

    def __init__(
        self, settings: Settings, http: httpx.AsyncClient, transport: httpx.AsyncBaseTransport
    ) -> None:
        self._issuer = str(settings.auth_oidc_issuer_url).rstrip("/")
        self._client_id = settings.dashboard_oidc_client_id
        self._secret = settings.dashboard_oidc_client_secret
        self._redirect_uri = f"{settings.origin}/sign-in/callback"
        self._signed_out_uri = f"{settings.origin}/sign-in"
        self._http = http
        self._transport = transport
        self._metadata: Metadata | None = None
        self._metadata_until = Deadline(0)

    async def sign_in_url(self, attempt: SignInAttempt, **hints: str) -> str:
        """Return the issuer's page for an attempt; raises DependencyUnavailableError."""
        metadata = await self._where()
        url, _ = self._client().create_authorization_url(
            metadata.authorization_endpoint,
            state=attempt.state,
            code_verifier=attempt.verifier,
            nonce=attempt.nonce,
            **hints,
        )
        return str(url)

    async def sign_out_url(self) -> str | None:
        """Return where a browser is signed out of the issuer (OpenID Connect RP-Initiated Logout).

        None where it has no such page; raises DependencyUnavailableError.
        """
        if not (endpoint := (await self._where()).end_session_endpoint):
            return None
        asked = {
            "client_id": self._client_id,
            "post_logout_redirect_uri": self._signed_out_uri,
        }
        return str(httpx.URL(endpoint).copy_merge_params(asked))

    async def id_token(self, code: str, attempt: SignInAttempt) -> SecretStr:
        """Return the id token for a code.

        Raises SignInRefusedError, or DependencyUnavailableError while the issuer is away.
        """
        metadata = await self._where()
        try:
            token = await self._client().fetch_token(
                metadata.token_endpoint, code=code, code_verifier=attempt.verifier
            )
        except AuthlibBaseError as error:
            raise SignInRefusedError(str(error.error)) from error
        except (httpx.HTTPError, ValueError) as error:
            raise DependencyUnavailableError(ISSUER) from error
        if not isinstance(told := token.get("id_token"), str):
            raise SignInRefusedError("no id token")
        return SecretStr(told)

    def is_from(self, told: str | None) -> bool:
        """Whether a callback names our issuer, if it names one (RFC 9207)."""
        return told is None or self._is_ours(told)

    def _is_ours(self, name: str) -> bool:
        """Whether a name is our issuer's: some end with a slash that the setting may leave out."""
        return name.rstrip("/") == self._issuer

    async def _where(self) -> Metadata:
        if self._metadata is None or self._metadata_until.passed():
            self._metadata = await self._discover()
            self._metadata_until = Deadline(METADATA_SECONDS)
        return self._metadata

    async def _discover(self) -> Metadata:
        url = f"{self._issuer}/.well-known/openid-configuration"
        try:
            found = Metadata.model_validate_json((await self._http.get(url)).content)
        except (httpx.HTTPError, ValidationError) as error:
            raise DependencyUnavailableError(ISSUER) from error
        if not self._is_ours(found.issuer):
            raise DependencyUnavailableError(ISSUER)
        return found

    def _client(self) -> AsyncOAuth2Client:
        return AsyncOAuth2Client(
            self._client_id,
            self._secret.get_secret_value() if self._secret else None,
            scope=SCOPE,
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
            token_endpoint_auth_method="client_secret_basic" if self._secret else "none",
            transport=self._transport,
            timeout=TOTAL_SECONDS,
            trust_env=False,
        )
