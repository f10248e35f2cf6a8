"""What providers answer, as far as it is understood; one that cannot be is as good as none."""

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, ValidationError
from tablesync.auth_service.errors import ProviderUnavailableError

_MOST_SECONDS = 10 * 366 * 24 * 3_600

Name = Annotated[str, StringConstraints(min_length=1)]


def _text_or_number(told: Any) -> Any:
    return told if type(told) in (str, int) else None


# What is shown alone, and left out where it is told as something else.
Shown = Annotated[str | None, BeforeValidator(_text_or_number)]


class Answer(BaseModel):
    """Base of answers; providers write ids now as numbers, now as texts."""

    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)


A = TypeVar("A", bound=Answer)


def understood(model: type[A], provider: str, body: Any) -> A:
    """Read an answer; raises ProviderUnavailableError where it is not what a provider says."""
    try:
        return model.model_validate(body)
    except ValidationError:
        raise ProviderUnavailableError(provider) from None


def without_oddities(token: dict[str, Any], assumed_seconds: int | None) -> dict[str, Any]:
    """Return a token answer with what is of the right kind: it may hold the only living tokens.

    The access token itself has been looked at. `assumed_seconds` is its life if none is told.
    """
    read = {
        "access_token": token["access_token"],
        "refresh_token": _text(token.get("refresh_token")),
        "expires_in": _seconds(token.get("expires_in")) or assumed_seconds,
        "refresh_expires_in": _seconds(token.get("refresh_expires_in")),
        "scope": _scope(token.get("scope") or token.get("scopes")),
    }
    return {name: each for name, each in read.items() if each is not None}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _seconds(value: Any) -> int | None:
    """Read a lifetime; None where there is none."""
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return int(seconds) if 0 < seconds <= _MOST_SECONDS else None


def _scope(value: Any) -> str | None:
    """Read RFC 6749's `scope` or HubSpot's list of `scopes`, as RFC 6749 writes it."""
    named = value if isinstance(value, list) else [value]
    return " ".join(each for each in named if isinstance(each, str)) or None
