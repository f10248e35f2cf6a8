"""Dead letters: what each service parked, and handing it back to that service alone."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, TypeAdapter, ValidationError
from rich.table import Table
from rich.text import Text
from tablesync.cli.addresses import NotConfiguredError
from tablesync.cli.errors import NotFoundError, RefusedError, told
from tablesync.cli.format import NOTHING, ago, plain
from tablesync.client import NotFoundError as UnknownError
from tablesync.client import TableSync, TableSyncError
from tablesync.client.dead_letters import DeadLetters
from tablesync.contracts.public_api.dead_letters import DeadLetterView, Replayed

_MOMENT: TypeAdapter[datetime] = TypeAdapter(AwareDatetime)


@dataclass(frozen=True)
class Letter:
    """A dead letter, and whose it is."""

    service: str
    view: DeadLetterView

    @property
    def said(self) -> Any:
        """The letter in its service's own words, with the service's name."""
        return {"service": self.service, **self.view.said}


async def letters(
    tablesync: TableSync, service: str | None, *, replayed: bool = False
) -> AsyncIterator[Letter]:
    """Yield the dead letters of one service, or of all, page by page."""
    for name in _asked(tablesync, service):
        async for each in _of(tablesync, name).all(replayed=replayed):
            yield Letter(name, each)


async def owner(tablesync: TableSync, service: str | None, topic: str, letter_id: int) -> str:
    """Say which service parked a letter; raises RefusedError where several did."""
    if service:
        return service
    asked = _asked(tablesync, None)
    owners = [each for each in asked if await _has(tablesync, each, topic, letter_id)]
    if not owners:
        raise NotFoundError(f"No service has parked {topic} {letter_id}.")
    if len(owners) > 1:
        raise RefusedError(f"{' and '.join(owners)} have parked one: say --service.")
    return owners[0]


async def show(tablesync: TableSync, service: str, topic: str, letter_id: int) -> Letter:
    """Return one dead letter whole."""
    return Letter(service, await _of(tablesync, service).get(topic, letter_id))


async def replay(tablesync: TableSync, service: str, topic: str, letter_id: int) -> Replayed:
    """Have a service handle a dead letter again."""
    return await _of(tablesync, service).replay(topic, letter_id)


async def replay_all(tablesync: TableSync, service: str | None) -> AsyncIterator[str | None]:
    """Replay what was not replayed yet; yield None for what worked, and why for what did not."""
    async for each in letters(tablesync, service):
        topic, id_ = each.view.topic, each.view.id
        try:
            await replay(tablesync, each.service, topic, id_)
            yield None
        except TableSyncError as error:
            yield f"{topic} {id_}: {told(error)}"


def table(found: Sequence[Letter]) -> Table:
    """Lay dead letters out."""
    laid_out = Table(header_style="dim")
    for column in ("service", "topic", "id", "parked", "type", "key", "reason", "replayed"):
        laid_out.add_column(column, overflow="fold")
    for each in found:
        view, replayed = each.view, _moment(each.view.replayed_at)
        laid_out.add_row(
            *(plain(value) for value in (each.service, view.topic, view.id)),
            ago(_moment(view.parked_at)),
            *(plain(value) for value in (view.type, view.key, _reason(view))),
            Text(ago(replayed), "green") if replayed else NOTHING,
        )
    return laid_out


def _asked(tablesync: TableSync, service: str | None) -> Sequence[str]:
    return [service] if service else list(tablesync.dead_letters)


def _of(tablesync: TableSync, service: str) -> DeadLetters:
    try:
        return tablesync.dead_letters[service]
    except KeyError:
        there_are = ", ".join(tablesync.dead_letters)
        raise NotConfiguredError(f"{service} parks nothing; these do: {there_are}.") from None


async def _has(tablesync: TableSync, service: str, topic: str, letter_id: int) -> bool:
    try:
        await show(tablesync, service, topic, letter_id)
    except UnknownError:
        return False
    return True


def _reason(letter: DeadLetterView) -> str:
    """Say why it was parked, and first of all if there is only a part of it."""
    size = letter.cut_from_bytes
    return f"(cut from {size:,} bytes) {letter.reason}" if size else letter.reason


def _moment(said: str | None) -> datetime | None:
    """Read a moment; a message that was parked without a readable one has none."""
    try:
        return _MOMENT.validate_python(said) if said else None
    except ValidationError:
        return None
