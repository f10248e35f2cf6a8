"""Sign-in: an API token or an id token is exchanged for a user JWT of five minutes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydantic import SecretStr
from tablesync.auth_service.identity.api_tokens import ApiTokens
from tablesync.auth_service.identity.oidc import OidcVerifier
from tablesync.auth_service.identity.own_workspaces import OwnWorkspace, OwnWorkspaces
from tablesync.auth_service.identity.people import People, Person
from tablesync.auth_service.identity.sessions import Sessions
from tablesync.contracts.public_api.people import Credentials
from tablesync.service_kit.http.problems import Problem, conflict, invalid
from tablesync.service_kit.http.service_auth import Signer, unauthorized
from tablesync.service_kit.http.user_auth import Principal, issue


@dataclass(frozen=True)
class SignedIn:
    """Somebody who has proved who they are, and the token that says so.

    `principal` is None for a member of no workspace: the token then is good for no other service.
    `person` and `workspace_name` are None where an API token says it, which is for programs.
    """

    principal: Principal | None
    token: SecretStr
    session_id: str | None = None
    person: Person | None = None
    workspace_name: str | None = None


class SignIn:
    """Issues the tokens with which people call services."""

    def __init__(
        self,
        signer: Signer,
        api_tokens: ApiTokens,
        memberships: OwnWorkspaces,
        people: People,
        sessions: Sessions,
        oidc: OidcVerifier | None,
    ) -> None:
        self._signer = signer
        self._api_tokens = api_tokens
        self._memberships = memberships
        self._people = people
        self._sessions = sessions
        self._oidc = oidc

    async def exchange(self, credentials: Credentials) -> SignedIn:
        """Return a token and whose it is; raises Problem 401, or 409 where a choice is wanted."""
        if credentials.api_token is not None:
            return self._signed_in(await self._api_tokens.principal_of(credentials.api_token))
        if credentials.session_token is not None:
            return await self._go_on(credentials.session_token, credentials.workspace_id)
        assert credentials.id_token is not None
        return await self._enter(
            await self.person_of(credentials.id_token), credentials.workspace_id
        )

    async def person_of(self, id_token: SecretStr, nonce: str | None = None) -> Person:
        """Return who signs in with the identity provider; raises Problem 401 or 422."""
        if self._oidc is None:
            raise invalid("id_token", "no identity provider is configured", "Send an api_token.")
        return await self._oidc.person_of(id_token, nonce)

    async def _go_on(self, secret: SecretStr, workspace_id: str | None) -> SignedIn:
        session = await self._sessions.used(secret)
        if session is None:
            raise unauthorized()
        entered = await self._enter(session.person, workspace_id)
        return replace(entered, session_id=session.id)

    async def _enter(self, person: Person, workspace_id: str | None) -> SignedIn:
        """Sign somebody in to the workspace they name, else to the one that they have, if any."""
        members = await self._memberships.entered_by(person.email)
        if workspace_id is not None:
            members = [each for each in members if each.workspace_id == workspace_id]
            if not members:
                raise unauthorized()
        if not members:
            return SignedIn(None, self._people.issue(person), person=person)
        own = (await self._memberships.named(members)).items
        if len(members) > 1:
            raise _which(own)
        entered = self._signed_in(members[0].principal())
        # A workspace that cannot be read has no name to show, and is entered all the same.
        called = own[0].workspace.name if own else None
        return replace(entered, person=person, workspace_name=called)

    def _signed_in(self, principal: Principal | None) -> SignedIn:
        if principal is None:
            raise unauthorized()
        return SignedIn(principal, SecretStr(issue(self._signer, principal)))


def _which(own: Sequence[OwnWorkspace]) -> Problem:
    """Ask which workspace is meant: which came first is nothing that anybody chose."""
    workspaces = [
        {"id": each.workspace.id, "name": each.workspace.name, "role": each.role} for each in own
    ]
    return conflict(
        "several-workspaces",
        "You are a member of several workspaces: name one of them as workspace_id.",
        workspaces=workspaces,
    )
