"""Takes secrets out of log lines: by the name of a field, and by what its text looks like."""

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
    | (?<![a-z_])(?:access_token|refresh_token|id_token|api_token|token|code|state|code_verifier
        |client_secret|password|api_key)=["']?
    )
    [^\s&"',;)]+
    """
)
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


def _hide(found: re.Match[str]) -> str:
    return found.group(1) + HIDDEN
