"""What services answer, as far as the command shows it; the rest stays as they said it.

Names that a newer service may know are plain text here: an unknown one is shown, not refused.
"""

import re
from typing import Any, Self, TypeVar

from pydantic import AwareDatetime, Field, PrivateAttr, ValidationError, model_validator
from pydantic.functional_validators import ModelWrapValidatorHandler
from tablesync.cli.errors import AwayError
from tablesync.contracts import Account, Gap, RunCounts
from tablesync.contracts.internal_api.base import Tolerant
from tablesync.contracts.specs import NOT_GRANTED, Value

Json = dict[str, Any]
V = TypeVar("V", bound=Value)


def read(model: type[V], service: str, said: Any) -> V:
    """Read an answer, or a part of one; raises AwayError where it is none of these."""
    try:
        return model.model_validate(said)
    except ValidationError as error:
        name = re.sub(r"\B(?=[A-Z])", " ", model.__name__).lower()
        raise AwayError(f"{service} sent a {name} that this version cannot read.") from error


class AccessToken(Value):
    """A short-lived token, for an API token."""

    access_token: str = Field(repr=False)


class FieldError(Value):
    """What is wrong with one field of what was sent, and what helps."""

    field: str
    message: str
    remedy: str


class ProblemDetails(Value):
    """Why a service has not done what it was asked (RFC 9457)."""

    detail: str = ""
    errors: Tolerant[tuple[FieldError, ...]] = ()


class Page(Value):
    """A page of a list, and where to go on: `next` is that of dead letters.

    `unread_ids` are what the service has left out, since it cannot read them itself.
    """

    items: tuple[Json, ...]
    unread_ids: tuple[str, ...] = ()
    next_cursor: str | None = None
    next: str | None = None


class Item(Value):
    """One item of a list, with all that was said of it."""

    _said: Json = PrivateAttr(default_factory=dict)

    @property
    def said(self) -> Json:
        """The item in the service's own words."""
        return self._said

    @model_validator(mode="wrap")
    @classmethod
    def _keep_what_was_said(cls, said: Json, read: ModelWrapValidatorHandler[Self]) -> Self:
        item = read(said)
        item._said = said
        return item


class Note(Value):
    """What somebody should look at, in the service's own words."""

    message: str


class Connection(Item):
    """A connection with its badge, and what to look at."""

    id: str
    provider: str
    account: Account
    cause: str | None
    changed_at: AwareDatetime
    badge: str
    findings: tuple[Note, ...] = ()

    @property
    def label(self) -> str:
        """Which account at which provider it is."""
        return f"{self.provider} · {self.account.name or self.account.id}"


class Started(Value):
    """An attempt to connect that waits for a browser to open its page."""

    id: str
    start_url: str


class Attempt(Item):
    """What has become of an attempt to connect; one begun after it goes on where it ended."""

    id: str
    status: str
    connection_id: str | None
    finding: Note | None
    continued_by: str | None = None


class Source(Value):
    """Where a sync reads."""

    connection_id: str
    object: str


class Hold(Value):
    """Why a sync is held, and since when."""

    kind: str
    cause: str
    since: AwareDatetime
    lacks: tuple[str, ...] = ()

    @property
    def told_as(self) -> str:
        """What words there are for its end."""
        return NOT_GRANTED if self.lacks else self.kind


class Asked(Value):
    """A run that was asked for."""

    run_id: str


class EndedRun(Item):
    """A run, and what it says of its end."""

    id: str
    status: str
    summary: str | None = None


class Run(Value):
    """A sync's last run."""

    status: str
    counts: RunCounts
    check_everything: bool = False
    requested_at: AwareDatetime
    started_at: AwareDatetime | None
    ended_at: AwareDatetime | None


class Sync(Item):
    """A sync with its state."""

    id: str
    name: str
    source: Source
    schedule: Json
    status: str
    hold: Hold | None
    holds: tuple[Hold, ...] | None = None
    gap: Gap | None
    next_slot_at: AwareDatetime | None
    last_run: Run | None

    @property
    def stopped_by(self) -> list[str]:
        """What all its holds are told as, also by a scheduler that shows one alone."""
        shown = (self.hold,) if self.hold else ()
        return [each.told_as for each in (shown if self.holds is None else self.holds)]


class Mail(Value):
    """A mail about an incident."""

    kind: str
    to: str | None
    sent_at: AwareDatetime | None


class Incident(Item):
    """An open problem, of a connection or of a sync."""

    id: str
    kind: str
    connection_id: str | None
    sync_id: str | None
    cause: str | None
    opened_at: AwareDatetime
    mails: tuple[Mail, ...]


class DeadLetter(Item):
    """A message that a service has parked."""

    service: str
    topic: str
    id: int
    parked_at: Tolerant[AwareDatetime] = None
    type: str | None
    key: str | None
    reason: str
    cut_from_bytes: int | None
    replayed_at: AwareDatetime | None


class Replay(Value):
    """When a service handled a dead letter again, in its own words."""

    replayed_at: str
