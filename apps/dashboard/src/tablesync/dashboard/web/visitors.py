"""Who asks for a page: a session's secret in a cookie, exchanged at auth-service for a token.

A token that was exchanged is used for a minute at most: whoever is signed out elsewhere, or is a
member no longer, sees nothing after that. Only while auth-service is silent is one used for as long
as services take it: nobody can be signed out then, and the others answer.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

import httpx
from pydantic import SecretStr
from tablesync.client import AwayError, ProblemError, SessionToken, TableSync
from tablesync.contracts.public_api.people import Role, UserToken
from tablesync.dashboard.settings import Settings
from tablesync.dashboard.web.silences import ASIDE_SECONDS, waiting
from tablesync.service_kit.clock import Deadline
from tablesync.service_kit.single_flight import SingleFlight

KEPT_SECONDS = 60.0
# How soon somebody is asked again who did not tell, and what is left of a token at least.
AGAIN_SECONDS, SPARE_SECONDS = 5.0, 30.0
MOST_KEPT = 10_000
_Key = tuple[str, str | None]
_RANK = {Role.VIEWER: 0, Role.OPERATOR: 1, Role.ADMIN: 2}


@dataclass(frozen=True)
class Visitor:
    """Somebody signed in; `who` names no workspace for a member of none."""

    tablesync: TableSync
    who: UserToken
    session: SecretStr

    @property
    def workspace_id(self) -> str:
        """The workspace that is asked about."""
        assert self.who.workspace_id, "a page of a workspace was asked for by a member of none"
        return self.who.workspace_id

    def may(self, role: Role) -> bool:
        """Whether services let them do what needs this role."""
        has = next((rank for each, rank in _RANK.items() if each == self.who.role), -1)
        return has >= _RANK[role]


@dataclass(frozen=True)
class _Kept:
    visitor: Visitor
    until: Deadline
    # When services take its token no more.
    ends: Deadline


class Visitors:
    """Knows visitors by their sessions, each for a minute."""

    def __init__(self, settings: Settings, http: httpx.AsyncClient) -> None:
        self._services = settings.services
        self._http = http
        self._kept: OrderedDict[_Key, _Kept] = OrderedDict()
        self._asking: SingleFlight[Visitor] = SingleFlight()
        self._changes = 0

    async def of(self, session: SecretStr, workspace_id: str | None = None) -> Visitor:
        """Return who has this session, in one of their workspaces, or the only one.

        Raises TableSyncError: UnauthorizedError for a session that is over or a workspace of
        others, ConflictError where several could be meant.
        """
        key = session.get_secret_value(), workspace_id
        kept = self._kept.get(key)
        if kept is None or kept.ends.passed():
            kept = self._keep(key, await self._told(session, workspace_id))
        elif kept.until.passed():
            kept = self._keep(key, await self._told_or(kept, session, workspace_id))
        return kept.visitor

    def anybody(self) -> TableSync:
        """Return a client for what needs no session."""
        return TableSync(self._services, SessionToken(SecretStr("")), http=self._http)

    def forget(self, session: SecretStr) -> None:
        """Forget all that is known of a session: it has ended."""
        self._forget(lambda secret, _: secret == session.get_secret_value())

    def forget_session(self, session_id: str) -> None:
        """Forget all that is known of a session, of which only the id is known: it has ended."""
        self._forget(lambda _, who: who.session_id == session_id)

    def forget_person(self, person: UserToken) -> None:
        """Forget all sessions of somebody: they have ended, whichever browser they are in."""
        self._forget(lambda _, who: who.email == person.email)

    async def _told_or(self, kept: _Kept, session: SecretStr, workspace_id: str | None) -> _Kept:
        """Return who it is by now, or was a while ago if nobody tells."""
        try:
            with waiting(ASIDE_SECONDS):
                return await self._told(session, workspace_id)
        except AwayError:
            if self._kept.get((session.get_secret_value(), workspace_id)) is not kept:
                raise  # forgotten meanwhile
            return replace(kept, until=Deadline(AGAIN_SECONDS))
        except ProblemError:
            self._kept.pop((session.get_secret_value(), workspace_id), None)
            raise

    async def _told(self, session: SecretStr, workspace_id: str | None) -> _Kept:
        """Ask who it is, once for all parts of a page that want to know at the same time."""
        changes = self._changes
        key = session.get_secret_value(), workspace_id, changes
        visitor = await self._asking.join(key, lambda: self._ask(session, workspace_id))
        # What was asked before somebody's part has changed may be of before: it is asked again.
        kept_for = KEPT_SECONDS if changes == self._changes else 0.0
        good_for = visitor.who.expires_in - SPARE_SECONDS
        return _Kept(visitor, Deadline(kept_for), Deadline(good_for))

    def forget_member(self, workspace_id: str, operator_id: str) -> None:
        """Forget what somebody may do in a workspace: that has changed."""
        changed = workspace_id, operator_id
        self._forget(lambda _, who: (who.workspace_id, who.operator_id) == changed)

    def _forget(self, is_over: Callable[[str, UserToken], bool]) -> None:
        """Forget what is over, by a session's secret and whose it is."""
        self._changes += 1
        for key, kept in list(self._kept.items()):
            if is_over(key[0], kept.visitor.who):
                del self._kept[key]

    def _keep(self, key: _Key, kept: _Kept) -> _Kept:
        self._kept[key] = kept
        self._kept.move_to_end(key)
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return kept

    async def _ask(self, session: SecretStr, workspace_id: str | None) -> Visitor:
        credentials = SessionToken(session, workspace_id)
        tablesync = TableSync(self._services, credentials, http=self._http)
        return Visitor(tablesync, await credentials.signed_in(), session)
