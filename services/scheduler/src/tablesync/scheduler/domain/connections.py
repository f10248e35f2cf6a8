"""What the scheduler knows of a connection: one document that decides for all its syncs."""

from datetime import datetime
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


class Connection(BaseModel):
    """A connection's state, and how far the job has come that passes it on to the syncs.

    While it is held nothing that needs it is asked for, marked or not. `job` is the id of the
    last sync that was marked or released since the state changed; None when all were.
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
    job: str | None = None

    @property
    def held(self) -> bool:
        """Whether nothing may use it."""
        return self.status is not ConnectionStatus.CONNECTED

    @property
    def hold(self) -> Hold:
        """What holds its syncs, while it is held."""
        return Hold(
            kind=HoldKind.CONNECTION,
            connection_id=self.id,
            cause=str(self.cause or self.status),
            since=self.changed_at,
        )

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "Connection":
        """Read a stored connection."""
        return cls.model_validate(document)

    def to_document(self) -> dict[str, Any]:
        """Return the stored form, with what the indexes need."""
        fields = self.model_dump(by_alias=True)
        if self.job is None:
            del fields["job"]
        if self.held:
            fields["held"] = True
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
    already_held = known is not None and known.held and state.held
    state.job = known.job if known and already_held else ""
    return state
