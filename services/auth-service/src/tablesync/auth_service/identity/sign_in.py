"""Sign-in: an API token or an id token is exchanged for a user JWT of five minutes."""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, SecretStr, model_validator
from tablesync.auth_service.identity.api_tokens import ApiTokens
from tablesync.auth_service.identity.members import Members
from tablesync.auth_service.identity.oidc import OidcVerifier
from tablesync.contracts.internal_api.base import Text, showing
from tablesync.service_kit.http.problems import invalid
from tablesync.service_kit.http.service_auth import Signer, unauthorized
from tablesync.service_kit.http.user_auth import Principal, issue


class Credentials(BaseModel):
    """Exactly one of the two; `workspace_id` chooses among an operator's workspaces."""

    model_config = ConfigDict(
        extra="forbid",
        hide_input_in_errors=True,
        **showing({"api_token": "tsk_the-secret-that-was-shown-once"}),
    )

    api_token: SecretStr | None = None
    id_token: SecretStr | None = None
    workspace_id: Text | None = None

    @model_validator(mode="after")
    def _one(self) -> "Credentials":
        if (self.api_token is None) == (self.id_token is None):
            raise ValueError("send either api_token or id_token")
        return self


@dataclass(frozen=True)
class SignedIn:
    """Somebody who has proved who they are, and the user JWT that says so to every service."""

    principal: Principal
    token: SecretStr


class SignIn:
    """Issues user JWTs."""

    def __init__(
        self,
        signer: Signer,
        api_tokens: ApiTokens,
        members: Members,
        oidc: OidcVerifier | None,
    ) -> None:
        self._signer = signer
        self._api_tokens = api_tokens
        self._members = members
        self._oidc = oidc

    async def exchange(self, credentials: Credentials) -> SignedIn:
        """Return a user JWT and whose it is; raises Problem 401."""
        principal = await self._principal(credentials)
        if principal is None:
            raise unauthorized()
        return SignedIn(principal, SecretStr(issue(self._signer, principal)))

    async def _principal(self, credentials: Credentials) -> Principal | None:
        if credentials.api_token is not None:
            return await self._api_tokens.principal_of(credentials.api_token)
        assert credentials.id_token is not None
        if self._oidc is None:
            raise invalid("id_token", "no identity provider is configured", "Send an api_token.")
        email = await self._oidc.email_of(credentials.id_token)
        wanted = credentials.workspace_id
        for member in await self._members.of_person(email):
            if wanted in (None, member.workspace_id):
                return member.principal()
        return None
