"""Takes secrets out of log lines and of what others say: by a name, and by what it looks like."""

import re
from collections.abc import MutableMapping

HIDDEN = "[hidden]"

_NAMES = re.compile(
    r"(^|_)(token|secret|code|verifier|authorization|password|link|state|cookie|api_key)s?$"
)
_HARMLESS = frozenset({"status_code", "error_code", "exit_code"})
_TEXTS = re.compile(
    r"""(?xi)
    ( bearer\s+
    | \btoken\s+(?=\S{16})
    | (?<![a-z])(?:access_token|refresh_token|id_token|api_token|client_secret|password|api_key
        |authorization)["']?\s*[:=]\s*(?:bearer\s+|token\s+|basic\s+)?["']?
    | (?<![a-z_])(?:access_token|refresh_token|id_token|api_token|token|code|state|code_verifier
        |client_secret|password|api_key)=["']?
    )
    [^\s&"',;)]+
    """
)
# A token is one long word with a figure in it; a UUID has 36 characters.
_OPAQUE = re.compile(r"()(?=[\w.~+/-]*\d)[\w.~+/-]{37,}")
FOREIGN_CHARACTERS = 300

_PASSWORDS_IN_URLS = re.compile(r"(://[^/\s:@]*:)[^/\s@]+(?=@)")


def redact(_: object, __: str, event: MutableMapping[str, object]) -> MutableMapping[str, object]:
    """Hide secrets in a structlog event; the last processor before it is rendered."""
    for name, value in event.items():
        if name not in _HARMLESS and _NAMES.search(name.lower()):
            event[name] = HIDDEN
        elif isinstance(value, str):
            event[name] = redact_text(value)
    return event


def redact_text(text: str) -> str:
    """Hide what looks like a secret in a text, such as a URL's or a traceback's."""
    text = _PASSWORDS_IN_URLS.sub(_hide, text)
    return _TEXTS.sub(_hide, text)


def foreign_text(text: str) -> str:
    """Return what somebody else's server said: in one line, cut short, its secrets hidden.

    It goes into events, rows, answers and mails, and may repeat what we had sent.
    """
    one_line = " ".join(text.split())
    hidden = _OPAQUE.sub(_hide, redact_text(one_line))
    return "".join(each for each in hidden if each.isprintable())[:FOREIGN_CHARACTERS]


def _hide(found: re.Match[str]) -> str:
    return found.group(1) + HIDDEN
