"""Gates (a circuit breaker per connection): every call passes one, and a 401 shuts it at once.

One process has one gate per connection. A refused token is reported once, however many calls meet
it, and all of them wait for the ruling. If the grant works all the same, each is repeated once: a
provider may have an edge that has not heard of a new token yet, and only a second 401 is the
object's. A token that lives is used while it is renewed; what it is refused meanwhile is repeated
with the new one, and is no grant's end. A lost grant stops every run that has used it; whoever
comes later asks the token route, which knows.

A run does not wait for long where auth-service gives no answer about a connection: its worker could
serve others. Then nobody asks for a while, and after it one alone, and once.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import stamina
import structlog
from tablesync.contracts.internal_api import AuthFailureRuling, Verdict
from tablesync.service_kit import clock
from tablesync.service_kit.clock import Deadline
from tablesync.service_kit.errors import DependencyUnavailableError
from tablesync.sync_runner.access.grants import AuthService, Grant
from tablesync.sync_runner.errors import ConnectionLostError, RunFailedError

log = structlog.get_logger()

T = TypeVar("T")
RENEW_AHEAD_SECONDS = 60.0
# So long before its end a token is used no more: a call may take that long to arrive.
LAST_SECONDS = 5.0
WAIT_MAX_SECONDS = 30.0
# So long at least nobody asks, once there was no answer for too long.
SILENT_SECONDS = 10.0
# For an edge of the provider to hear of a new token.
STRAY_SECONDS = 1.0
OnLost = Callable[[str, int], Awaitable[None]]


@dataclass(frozen=True)
class RefusedCall:
    """A call that got a 401; `repeated` once it got one before, with a grant that works."""

    grant: Grant
    status_code: int
    sent_at: float
    repeated: bool


class Admission:
    """One run's way through a gate: remembers which grant it has used."""

    def __init__(self, gate: "Gate", on_stopped: Callable[[ConnectionLostError], None]) -> None:
        self._gate = gate
        self._on_stopped = on_stopped
        self.version: int | None = None

    @property
    def connection_id(self) -> str:
        """The connection that the gate leads to."""
        return self._gate.connection_id

    async def grant(self) -> Grant:
        """Get a live token; raises ConnectionLostError once the grant this run used is lost.

        Raises DependencyUnavailableError if there is no answer for too long.
        """
        if self.version is None:  # others go on with what they have meanwhile
            return self._using(await self._gate.newest_grant())
        return self._using(await self._gate.grant(self.version))

    def grant_at_hand(self) -> Grant | None:
        """Return a live token if there is one without waiting; raises as `grant` does."""
        grant = self._gate.grant_at_hand(self.version)
        return self._using(grant) if grant else None

    def _using(self, grant: Grant) -> Grant:
        self.version = grant.version
        return grant

    async def refused(self, call: RefusedCall) -> bool:
        """Report a 401; returns if the call may be repeated: whether with a grant that works."""
        return await self._gate.refused(call)

    def stop(self, version: int) -> None:
        """Learn that grants up to this version are lost."""
        if self.version is not None and self.version <= version:
            self._on_stopped(ConnectionLostError.of(self.connection_id))

    def close(self) -> None:
        """Take part no longer."""
        self._gate.admissions.discard(self)


class Gate:
    """The way to one connection's token, shared by all runs of this process."""

    def __init__(
        self,
        auth: AuthService,
        connection_id: str,
        workspace_id: str,
        on_lost: OnLost,
        patience_seconds: float,
    ) -> None:
        self.connection_id = connection_id
        self.admissions: set[Admission] = set()
        self._auth = auth
        self._workspace_id = workspace_id
        self._on_lost = on_lost
        self._patience_seconds = patience_seconds
        self._answers = True
        self._silent_until = -math.inf
        self._lock = asyncio.Lock()
        self._first_asking = asyncio.Lock()
        self._asked_at = -math.inf
        self._grant: Grant | None = None
        self._renew_at = self._good_until = 0.0
        self._renewal: asyncio.Task[None] | None = None
        self._worked_at = -math.inf
        self._stopped_version = -1

    def admit(self, on_stopped: Callable[[ConnectionLostError], None]) -> Admission:
        """Let a run in; its first call asks the token route whatever is known here."""
        admission = Admission(self, on_stopped)
        self.admissions.add(admission)
        return admission

    async def grant(self, used_version: int | None) -> Grant:
        """Get a live token; waits while a refused one is looked into."""
        if grant := self.grant_at_hand(used_version):
            return grant
        self._refuse_to_wait_behind(self._lock)
        await self._end_of_renewal()
        async with self._lock:
            return self._living(used_version) or await self._renew()

    async def newest_grant(self) -> Grant:
        """Get a token for who has none yet: the token route is asked whatever is known here.

        Those who have one go on with it meanwhile, whatever comes of the question; all who come
        before it share the answer.
        """
        came_at = clock.seconds()
        for each in (self._first_asking, self._lock):
            self._refuse_to_wait_behind(each)
        async with self._first_asking:
            async with self._lock:
                pass  # a question that somebody has asked before comes first
            if self._asked_at >= came_at and (grant := self._living(None)):
                return grant
            return await self._renew()

    def grant_at_hand(self, used_version: int | None) -> Grant | None:
        """Return a live token; None where one has to be waited for."""
        return None if self._lock.locked() else self._living(used_version)

    async def refused(self, call: RefusedCall) -> bool:
        """Shut the gate, report the refused token and act on the ruling.

        Raises ConnectionLostError (revoked) or RunFailedError (the grant works, and the object is
        forbidden a second time); returns once the call may be repeated: whether the grant works.
        """
        await self._end_of_renewal()  # the old token may be over at the provider already
        async with self._lock:
            if self._grant is None or self._grant.token != call.grant.token:
                return False
            if not await self._works(call):
                return False
            if call.repeated:
                raise RunFailedError.resource(
                    "The provider refuses this object although the connection works.",
                    self.connection_id,
                )
            return True

    async def _works(self, call: RefusedCall) -> bool:
        """Whether the grant was found to work since a call was sent; else it is given up here."""
        if call.sent_at <= self._worked_at:
            return True
        try:
            ruling = await self._ruling(call.grant, call.status_code)
        except DependencyUnavailableError:
            self._grant = None  # nobody calls with what was refused and not ruled on
            raise
        if ruling.verdict is Verdict.NOT_CONFIRMED:
            self._worked_at = clock.seconds()
            if not call.repeated:
                await asyncio.sleep(STRAY_SECONDS)
            return True
        self._grant = None
        if ruling.verdict is Verdict.REVOKED:
            self.stop(call.grant.version)
            await self._on_lost(self.connection_id, call.grant.version)
            raise ConnectionLostError.of(self.connection_id)
        return False

    def stop(self, version: int) -> None:
        """Learn that grants up to this version are lost: stop every run that used one."""
        self._stopped_version = max(self._stopped_version, version)
        if self._grant is not None and self._grant.version <= version:
            self._grant = None
        for each in list(self.admissions):
            each.stop(version)

    def _living(self, used_version: int | None) -> Grant | None:
        """Return a token that lives, and have it renewed in time."""
        if used_version is not None and used_version <= self._stopped_version:
            raise ConnectionLostError.of(self.connection_id)
        if self._grant is None or clock.seconds() >= self._good_until:
            return None
        if clock.seconds() >= max(self._renew_at, self._silent_until) and (
            self._renewal is None or self._renewal.done()
        ):
            self._renewal = asyncio.create_task(self._renew_meanwhile())
        return self._grant

    async def _end_of_renewal(self) -> None:
        """Wait for a renewal that is under way, whatever comes of it."""
        if self._renewal is not None:
            await asyncio.wait([self._renewal])

    async def _renew_meanwhile(self) -> None:
        """Renew a token that lives: without an answer it is used to its end."""
        try:
            await self.newest_grant()
        except DependencyUnavailableError as error:
            log.warning("token not renewed yet", connection_id=self.connection_id, error=str(error))
        except ConnectionLostError:
            self._grant = None  # whoever asks next is told

    async def _renew(self) -> Grant:
        """Ask the token route, waiting while it is away."""
        asked_at = clock.seconds()
        grant = await self._answer(lambda: self._auth.grant(self.connection_id, self._workspace_id))
        if grant.version <= self._stopped_version:  # it was lost while its token was on its way
            raise ConnectionLostError.of(self.connection_id)
        left = grant.ends_at - clock.seconds()
        self._grant, self._asked_at = grant, asked_at
        self._renew_at = grant.ends_at - min(RENEW_AHEAD_SECONDS, left / 4)
        self._good_until = grant.ends_at - min(LAST_SECONDS, left / 8)
        return grant

    async def _ruling(self, grant: Grant, status_code: int) -> AuthFailureRuling:
        """Report until auth-service knows; nothing is called with this token meanwhile."""

        async def report() -> AuthFailureRuling:
            ruling = await self._auth.report(
                self.connection_id, self._workspace_id, grant.version, status_code
            )
            if ruling.verdict is Verdict.INCONCLUSIVE:
                raise DependencyUnavailableError("the provider", ruling.retry_after or 1.0)
            return ruling

        return await self._answer(report)

    async def _answer(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask auth-service until it answers; raises DependencyUnavailableError if not soon."""
        if clock.seconds() < self._silent_until:
            raise self._unanswered()
        patience = Deadline(self._patience_seconds if self._answers else 0.0)
        try:
            answer = await _until_answered(ask, patience)
        except DependencyUnavailableError as error:
            wait = min(max(error.retry_after, SILENT_SECONDS), WAIT_MAX_SECONDS)
            self._silent_until = clock.seconds() + wait
            self._answers = False
            raise self._unanswered() from error
        self._answers = True
        return answer

    def _refuse_to_wait_behind(self, lock: asyncio.Lock) -> None:
        """Raise DependencyUnavailableError where somebody waits already, and in vain."""
        if lock.locked() and not self._answers:
            raise self._unanswered()

    def _unanswered(self) -> DependencyUnavailableError:
        left = self._silent_until - clock.seconds()
        return DependencyUnavailableError("auth-service", max(left, 1.0))


async def _until_answered(ask: Callable[[], Awaitable[T]], patience: Deadline) -> T:
    """Ask auth-service until it answers, or says to come back when patience is over."""

    def wait_of(error: Exception) -> bool | float:
        if not isinstance(error, DependencyUnavailableError):
            return False
        return error.retry_after < patience.remaining() and error.retry_after

    async for attempt in stamina.retry_context(on=wait_of, attempts=None, timeout=None):
        with attempt:
            return await ask()
    raise AssertionError("unreachable: the last attempt returns or raises")


class Gates:
    """The gates of this process, by connection and workspace: a foreign one opens nothing."""

    def __init__(self, auth: AuthService, on_lost: OnLost, patience_seconds: float) -> None:
        self._auth = auth
        self._on_lost = on_lost
        self._patience_seconds = patience_seconds
        self._gates: dict[tuple[str, str], Gate] = {}

    def of(self, connection_id: str, workspace_id: str) -> Gate:
        """Return the gate of a connection."""
        key = connection_id, workspace_id
        if key not in self._gates:
            self._gates[key] = Gate(self._auth, *key, self._on_lost, self._patience_seconds)
        return self._gates[key]

    def stop(self, connection_id: str, version: int) -> None:
        """Pass on that a connection's grants up to this version are lost."""
        self.stop_all({connection_id: version})

    def stop_all(self, versions: Mapping[str, int]) -> None:
        """Pass on up to which version the grants of connections are lost."""
        for (connection_id, _), gate in self._gates.items():
            if connection_id in versions:
                gate.stop(versions[connection_id])
