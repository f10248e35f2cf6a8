"""`tablesync dlq`: what each service parked, and handing it back to that service alone."""

from typing import Any

from rich.table import Table
from rich.text import Text
from tablesync.cli.addresses import SERVICES
from tablesync.cli.client import Client
from tablesync.cli.errors import CliError, NotFoundError, RefusedError
from tablesync.cli.words import NOTHING, ago, plain

Json = dict[str, Any]


def letters(client: Client, service: str | None) -> list[Json]:
    """Give the dead letters of one service, or of all; each says whose it is.

    auth-service consumes nothing, and so has none.
    """
    asked = [service] if service else [each for each in SERVICES if each != "auth-service"]
    return [
        {"service": each, **letter}
        for each in asked
        for letter in client.get(each, "/v1/dlq")["items"]
    ]


def owner(client: Client, service: str | None, topic: str, letter_id: int) -> str:
    """Say which service parked a letter; raises RefusedError where several did."""
    if service:
        return service
    found = letters(client, None)
    wanted = (topic, letter_id)
    owners = [str(each["service"]) for each in found if (each["topic"], each["id"]) == wanted]
    if not owners:
        raise NotFoundError(f"No service has parked {topic} {letter_id}.")
    if len(owners) > 1:
        raise RefusedError(f"{' and '.join(owners)} have parked one: say --service.")
    return owners[0]


def show(client: Client, service: str, topic: str, letter_id: int) -> Json:
    """Give one dead letter whole."""
    letter: Json = client.get(service, f"/v1/dlq/{topic}/{letter_id}")
    return {"service": service, **letter}


def replay(client: Client, service: str, topic: str, letter_id: int) -> str:
    """Have a service handle a dead letter again; give when it did."""
    answer: Json = client.post(service, f"/v1/dlq/{topic}/{letter_id}/replay")
    return str(answer["replayed_at"])


def replay_all(client: Client, service: str | None) -> tuple[list[Json], list[str]]:
    """Replay what was not replayed yet, oldest first; give what worked and what did not."""
    done: list[Json] = []
    failed: list[str] = []
    for each in letters(client, service):
        if each["replayed_at"]:
            continue
        try:
            replay(client, each["service"], each["topic"], each["id"])
            done.append(each)
        except CliError as error:
            failed.append(f"{each['topic']} {each['id']}: {error}")
    return done, failed


def table(found: list[Json]) -> Table:
    """Lay dead letters out."""
    laid_out = Table(header_style="dim")
    for column in ("service", "topic", "id", "parked", "type", "key", "reason", "replayed"):
        laid_out.add_column(column, overflow="fold")
    for each in found:
        replayed = Text(ago(each["replayed_at"]), "green") if each["replayed_at"] else NOTHING
        laid_out.add_row(
            *(plain(each[name]) for name in ("service", "topic", "id")),
            ago(each["parked_at"]),
            *(plain(each[name]) for name in ("type", "key")),
            plain(_reason(each)),
            replayed,
        )
    return laid_out


def _reason(letter: Json) -> str:
    """Say why it was parked, and first of all if there is only a part of it."""
    size = letter["cut_from_bytes"]
    return f"(cut from {size:,} bytes) {letter['reason']}" if size else str(letter["reason"])
