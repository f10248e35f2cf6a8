"""What the scheduler knows of a connection: one document that decides for all its syncs."""

from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from tablesync.contracts import (
    Account,
    ConnectionCause,
    ConnectionEvent,
    ConnectionStatus,
    Hold,
    HoldKind,
    Provider,
)

# How long until a job begins again at a sync that it had to pass over.
JOB_AGAIN_AFTER = timedelta(minutes=1)


class Connection(BaseModel):
    """A connection's state, and how far the job has come that passes it on to the syncs.

    While it is held nothing that needs it is asked for, marked or not; while the job is under way,
    nothing that needs what was not granted. `scopes` and `resources` are None where they are not
    known, as of what earlier versions have stored. `job` is the id of the
    last sync that was marked or released since the state changed; None when all were. A job that
    had to pass over syncs begins again at `job_again`, before the first of them, at `job_at`.
    """

    model_config = ConfigDict(populate_by_name=True)

    id: str = Field(alias="_id")
    workspace_id: str
    provider: Provider
    account: Account
    owner_id: str
    grant_version: int
    status: ConnectionStatus
    cause: ConnectionCause | None = None
    sequence: int
    changed_at: datetime
    scopes: tuple[str, ...] | None = None
    resources: tuple[str, ...] | None = None
    job: str | None = None
    job_again: str | None = None
    job_at: datetime | None = None

    @property
    def held(self) -> bool:
        """Whether nothing may use it."""
        return self.status is not ConnectionStatus.CONNECTED

    @property
    def settling(self) -> bool:
        """Whether syncs may need what it was not granted, and not all are marked yet."""
        knows = self.scopes is not None or self.resources is not None
        return knows and self.job is not None and not self.held

    @property
    def hold(self) -> Hold:
        """What holds its syncs, while it is held."""
        return Hold(
            kind=HoldKind.CONNECTION,
            connection_id=self.id,
            cause=str(self.cause or self.status),
            since=self.changed_at,
        )

    def advance_job(self, last: str | None, now: datetime, *, passed_over: bool) -> None:
        """Note that the job has come to a sync, or to the end: then it goes for what it left."""
        if passed_over and self.job_again is None:
            self.job_again = self.job
        if last is not None:
            self.job = last
            return
        again = self.job_again is not None
        self.job, self.job_again = self.job_again, None
        self.job_at = now + JOB_AGAIN_AFTER if again else None

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "Connection":
        """Read a stored connection."""
        return cls.model_validate(document)

    def to_document(self) -> dict[str, Any]:
        """Return the stored form, with what the indexes need."""
        fields = self.model_dump(by_alias=True)
        for name in ("job", "job_again", "job_at"):
            if fields[name] is None:
                del fields[name]
        for name in ("held", "settling"):
            if getattr(self, name):
                fields[name] = True
        return fields


def follow(known: Connection | None, event: ConnectionEvent) -> Connection | None:
    """Return the new state after an event; None if it is not newer than what is known.

    A change between held and connected starts the job anew, and so does every connected state:
    a fresh grant may also have brought back what was missing.
    """
    if known is not None and event.sequence <= known.sequence:
        return None
    state = Connection(
        id=event.connection_id,
        **event.model_dump(exclude={"connection_id"}),
    )
    if known is not None and known.held and state.held:
        state.job, state.job_again, state.job_at = known.job, known.job_again, known.job_at
    else:
        state.job = ""
    return state
