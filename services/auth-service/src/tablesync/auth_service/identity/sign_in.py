"""Sign-in: an API token or an id token is exchanged for a user JWT of five minutes."""

from typing import Any

from pydantic import BaseModel, ConfigDict, SecretStr, model_validator
from tablesync.auth_service.identity.api_tokens import ApiTokens
from tablesync.auth_service.identity.oidc import OidcVerifier
from tablesync.auth_service.identity.workspaces import Workspaces
from tablesync.service_kit.http.problems import invalid
from tablesync.service_kit.http.service_auth import Signer, unauthorized
from tablesync.service_kit.http.user_auth import LIFETIME_SECONDS, Principal, issue
from tablesync.service_kit.text import Text


class Credentials(BaseModel):
    """Exactly one of the two; `workspace_id` chooses among an operator's workspaces."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    api_token: SecretStr | None = None
    id_token: SecretStr | None = None
    workspace_id: Text | None = None

    @model_validator(mode="after")
    def _one(self) -> "Credentials":
        if (self.api_token is None) == (self.id_token is None):
            raise ValueError("send either api_token or id_token")
        return self


class SignIn:
    """Issues user JWTs."""

    def __init__(
        self,
        signer: Signer,
        api_tokens: ApiTokens,
        workspaces: Workspaces,
        oidc: OidcVerifier | None,
    ) -> None:
        self._signer = signer
        self._api_tokens = api_tokens
        self._workspaces = workspaces
        self._oidc = oidc

    async def exchange(self, credentials: Credentials) -> dict[str, Any]:
        """Return a bearer token and whose it is; raises Problem 401."""
        principal = await self._principal(credentials)
        if principal is None:
            raise unauthorized()
        return {
            "access_token": issue(self._signer, principal),
            "token_type": "Bearer",
            "expires_in": LIFETIME_SECONDS,
            "workspace_id": principal.workspace_id,
            "operator_id": principal.operator_id,
            "role": principal.role.name.lower(),
        }

    async def _principal(self, credentials: Credentials) -> Principal | None:
        if credentials.api_token is not None:
            return await self._api_tokens.principal_of(credentials.api_token)
        assert credentials.id_token is not None
        if self._oidc is None:
            raise invalid("id_token", "no identity provider is configured", "Send an api_token.")
        email = await self._oidc.email_of(credentials.id_token)
        memberships = await self._workspaces.memberships_of(email)
        wanted = credentials.workspace_id
        for workspace_id, member in memberships:
            if wanted in (None, workspace_id):
                return member.principal(workspace_id)
        return None
