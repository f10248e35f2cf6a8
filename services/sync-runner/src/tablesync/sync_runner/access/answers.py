"""What providers answer, read by models: what does not fit them is a provider in trouble."""

from typing import TypeVar

import httpx
import structlog
from pydantic import BaseModel, ConfigDict, ValidationError
from tablesync.sync_runner.errors import RunFailedError

log = structlog.get_logger()


class Answer(BaseModel):
    """Base of answers; providers write ids now as numbers, now as texts."""

    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True, hide_input_in_errors=True)


A = TypeVar("A", bound=Answer)


class Continuations:
    """Where the pages of one list say that it goes on: one that goes in a circle never ends."""

    def __init__(self, begins: str | None = None) -> None:
        self._seen = {begins}

    def take(self, where: str | None, response: httpx.Response) -> str | None:
        """Return where the list goes on, None at its end; raises RunFailedError (provider)."""
        if where is not None and where in self._seen:
            raise not_understood(response, ValueError("the list goes on where it has been before"))
        self._seen.add(where)
        return where


def understood(model: type[A], response: httpx.Response) -> A:
    """Read a success; raises RunFailedError (provider) where it is not what the provider says."""
    try:
        return model.model_validate_json(response.content)
    except ValidationError as error:
        raise not_understood(response, error) from None


def not_understood(response: httpx.Response, why: Exception) -> RunFailedError:
    """Make the error for a success that says something else than it should."""
    host = response.request.url.host
    log.error("unreadable answer", provider=host, error=repr(why))
    return RunFailedError.provider(f"{host} answered with something that is not understood.")
