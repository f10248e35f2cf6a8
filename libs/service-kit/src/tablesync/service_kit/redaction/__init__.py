"""Takes secrets out of log lines and of what others say: by a name, and by what it looks like."""

import re
from collections.abc import Mapping, MutableMapping

from tablesync.service_kit.redaction.looks import (
    hide_endless,
    hide_in_urls,
    hide_opaque,
    hide_shapes,
)
from tablesync.service_kit.redaction.names import HIDDEN, hide_named

__all__ = ["FOREIGN_CHARACTERS", "HIDDEN", "foreign_text", "redact", "redact_text"]

_NAMES = re.compile(
    r"(^|_)(token|secret|code|verifier|authorization|password|link|state|cookie|api_key)s?$"
)
_HARMLESS = frozenset({"status_code", "error_code", "exit_code"})
FOREIGN_CHARACTERS = 300
# So much of what somebody says is looked at: no more than what is kept can come of it.
_LOOKED_AT = 20 * FOREIGN_CHARACTERS
_DEEPEST = 10


def redact(_: object, __: str, event: MutableMapping[str, object]) -> MutableMapping[str, object]:
    """Hide secrets in a structlog event; the last processor before it is rendered."""
    for name, value in event.items():
        if not name.startswith("_"):  # those are structlog's own
            event[name] = _redacted(name, value, _DEEPEST)
    return event


def redact_text(text: str) -> str:
    """Hide what looks like a secret in a text, such as a URL's or a traceback's."""
    return hide_shapes(hide_named(hide_in_urls(text)))


def foreign_text(text: str) -> str:
    """Return what somebody else's server said: in one line, cut short, its secrets hidden.

    It goes into events, rows, answers and mails, and may repeat what we had sent.
    """
    one_line = " ".join(text[:_LOOKED_AT].split())
    shown = "".join(each for each in one_line if each.isprintable())
    return hide_opaque(redact_text(hide_endless(shown)))[:FOREIGN_CHARACTERS]


def _redacted(name: str, value: object, depth: int) -> object:
    """Return a value without secrets: as a text where it is neither plain nor nested."""
    if name not in _HARMLESS and _NAMES.search(name.lower()):
        return HIDDEN
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth and isinstance(value, Mapping):
        return {key: _redacted(str(key), each, depth - 1) for key, each in value.items()}
    if depth and isinstance(value, list | tuple | set | frozenset):
        return [_redacted("", each, depth - 1) for each in value]
    return redact_text(value if isinstance(value, str) else repr(value))
