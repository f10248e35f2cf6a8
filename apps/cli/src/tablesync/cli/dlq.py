"""`tablesync dlq`: what each service parked, and handing it back to that service alone."""

from collections.abc import Iterator, Sequence

from rich.table import Table
from rich.text import Text
from tablesync.cli.addresses import SERVICES
from tablesync.cli.answers import DeadLetter, Json, Replay, read
from tablesync.cli.client import Client
from tablesync.cli.errors import CliError, NotFoundError, RefusedError
from tablesync.cli.format import NOTHING, ago, plain


def letters(client: Client, service: str | None, *, replayed: bool = False) -> Iterator[DeadLetter]:
    """Yield the dead letters of one service, or of all, page by page; each says whose it is."""
    for each in _asked(service):
        for page in _pages(client, each, replayed):
            yield from (read(DeadLetter, each, {"service": each, **letter}) for letter in page)


def _asked(service: str | None) -> list[str]:
    """Name the services to ask: auth-service consumes nothing, and so has no dead letters."""
    return [service] if service else [each for each in SERVICES if each != "auth-service"]


def _pages(client: Client, service: str, replayed: bool) -> Iterator[Sequence[Json]]:
    query = {"replayed": "true" if replayed else "false"}
    while True:
        page = client.page(service, "/v1/dlq", **query)
        yield page.items
        if page.next is None:
            return
        query["from"] = page.next


def owner(client: Client, service: str | None, topic: str, letter_id: int) -> str:
    """Say which service parked a letter; raises RefusedError where several did."""
    if service:
        return service
    owners = [each for each in _asked(None) if _has(client, each, topic, letter_id)]
    if not owners:
        raise NotFoundError(f"No service has parked {topic} {letter_id}.")
    if len(owners) > 1:
        raise RefusedError(f"{' and '.join(owners)} have parked one: say --service.")
    return owners[0]


def _has(client: Client, service: str, topic: str, letter_id: int) -> bool:
    try:
        show(client, service, topic, letter_id)
    except NotFoundError:
        return False
    return True


def show(client: Client, service: str, topic: str, letter_id: int) -> Json:
    """Return one dead letter whole."""
    letter: Json = client.get(service, f"/v1/dlq/{topic}/{letter_id}")
    return {"service": service, **letter}


def replay(client: Client, service: str, topic: str, letter_id: int) -> str:
    """Have a service handle a dead letter again; return when it did."""
    answer = client.post(service, f"/v1/dlq/{topic}/{letter_id}/replay")
    return read(Replay, service, answer).replayed_at


def replay_all(client: Client, service: str | None) -> Iterator[str | None]:
    """Replay what was not replayed yet; yield None for what worked, and why for what did not."""
    for each in letters(client, service):
        try:
            replay(client, each.service, each.topic, each.id)
            yield None
        except CliError as error:
            yield f"{each.topic} {each.id}: {error}"


def table(found: Sequence[DeadLetter]) -> Table:
    """Lay dead letters out."""
    laid_out = Table(header_style="dim")
    for column in ("service", "topic", "id", "parked", "type", "key", "reason", "replayed"):
        laid_out.add_column(column, overflow="fold")
    for each in found:
        laid_out.add_row(
            *(plain(value) for value in (each.service, each.topic, each.id)),
            ago(each.parked_at),
            *(plain(value) for value in (each.type, each.key, _reason(each))),
            Text(ago(each.replayed_at), "green") if each.replayed_at else NOTHING,
        )
    return laid_out


def _reason(letter: DeadLetter) -> str:
    """Say why it was parked, and first of all if there is only a part of it."""
    size = letter.cut_from_bytes
    return f"(cut from {size:,} bytes) {letter.reason}" if size else letter.reason
