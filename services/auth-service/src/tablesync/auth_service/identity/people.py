"""People: who somebody is, as the identity provider says, whatever they are a member of."""

from fastapi import Depends
from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError
from tablesync.auth_service import audit
from tablesync.auth_service.identity.limits import LimitSettings
from tablesync.auth_service.identity.members import Member, Members, Membership
from tablesync.auth_service.identity.workspaces import Workspace, Workspaces
from tablesync.contracts import new_id
from tablesync.contracts.names import Name
from tablesync.contracts.public_api.people import Email
from tablesync.contracts.wording import one_line
from tablesync.service_kit.http.problems import limit_reached
from tablesync.service_kit.http.service_auth import (
    PERSON_TOKEN,
    USER_AUDIENCE,
    Signer,
    Verifier,
    unauthorized,
)
from tablesync.service_kit.http.user_auth import (
    LIFETIME_SECONDS,
    USER_JWT,
    OperatorRole,
    principal_of,
)
from tablesync.service_kit.mongo.unit_of_work import UnitOfWork


class Person(BaseModel):
    """Somebody signed in, known by a verified e-mail address."""

    model_config = ConfigDict(frozen=True)

    email: Email
    name: Name

    @property
    def key_scope(self) -> tuple[str, str]:
        """Whose an Idempotency-Key is."""
        return PERSON_TOKEN, self.email.lower()


class People:
    """Knows people by their tokens: by one that names a workspace, or by one that names none."""

    def __init__(self, signer: Signer, verifier: Verifier, members: Members) -> None:
        self._signer = signer
        self._verifier = verifier
        self._members = members

    def issue(self, person: Person) -> SecretStr:
        """Make a token of five minutes that opens no workspace, and no other service takes."""
        claims = {
            "aud": USER_AUDIENCE,
            "use": PERSON_TOKEN,
            "sub": person.email,
            "name": person.name,
        }
        return SecretStr(self._signer.sign(claims, LIFETIME_SECONDS))

    async def signed_in(self, token: str = Depends(USER_JWT)) -> Person:
        """Return who sends a request, as a FastAPI dependency; raises Problem 401."""
        claims = self._verifier.signed_in_claims(token)
        if claims["use"] == PERSON_TOKEN:
            return _person(claims["sub"], claims.get("name"))
        operator = await self._members.operator(principal_of(self._verifier, token).operator_id)
        if operator is None:
            raise unauthorized()
        return Person.model_construct(email=operator.email, name=operator.name)


class Founding:
    """Makes workspaces."""

    def __init__(self, workspaces: Workspaces, members: Members, settings: LimitSettings) -> None:
        self._most = settings.auth_workspaces_per_person
        self._workspaces = workspaces
        self._members = members

    async def found(self, unit: UnitOfWork, person: Person, name: str) -> tuple[Workspace, Member]:
        """Make a workspace whose first admin is whoever asks; raises Problem 409 at the limit."""
        workspace = Workspace(id=new_id("ws"), name=name)
        operator = await self._members.person(unit, person.email, person.name)
        if await self._members.count_founded(unit, operator.id) > self._most:
            raise limit_reached(
                "workspaces that one person has created",
                self._most,
                "Work in one of those, or have somebody else create one and invite you.",
                "AUTH_WORKSPACES_PER_PERSON",
            )
        await self._workspaces.add(unit, workspace)
        membership = Membership(
            workspace_id=workspace.id, operator_id=operator.id, role=OperatorRole.ADMIN
        )
        await audit.record(unit, workspace.id, operator.id, "workspace.created", workspace.id)
        return workspace, await self._members.join(unit, membership, operator)


def named(email: str, name: object) -> Person:
    """Return a person by a name from outside, shown cleaned; the address if there is nothing of it.

    Raises ValueError for an address that is none.
    """
    try:
        cleaned = one_line(name) if isinstance(name, str) else name
        return Person.model_validate({"email": email, "name": cleaned})
    except ValidationError:
        return Person(email=email, name=email.partition("@")[0])


def _person(email: object, name: object) -> Person:
    try:
        return Person.model_validate({"email": email, "name": name})
    except ValidationError as error:
        raise unauthorized() from error
