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
    | (?<![a-z])(?:access_token|refresh_token|id_token|api_token|client_secret|password|api[_-]?key
        |hapikey|authorization|(?:set-)?cookie)["']?\s*[:=]\s*(?:bearer\s+|token\s+|basic\s+)?["']?
    | (?<![a-z_])(?:access_token|refresh_token|id_token|api_token|token|code|state|code_verifier
        |client_secret|secret|signature|password|api_key)=["']?
    )
    [^\s&"',;)]+
    """
)
# A secret's name, and the word after it: hidden if it looks like one. A key may be a record's, and
# a code an error's: what looks like a field, an error or Airtable's id stays after those.
_NAMED = re.compile(
    r"""(?xi)
    ( (?: (?<![^\W\d_]) (?:h?api|access|refresh|client|auth)?
        | (?-i: (?<=[a-z]) (?=[A-Z]) )
      )
      (?: (?:tokens?|secrets?|passw(?:or)?d|passphrase|bearer|basic|credentials?|signature|verifier
          |(?:api|access|private)[ _-]?keys?|hapikey)
        | (?P<loose>keys?|codes?)
      )
      (?![\w/.-])
      ["'`\\]*+ \s*+ (?: [:=]++ | %3[ad] | (?:is|was|of)\s )?+ \s*+ ["'`\\(<\[]*+
    )
    (?P<word> [\w+/~.=-] [^\s&"'`\\,;)>\]}]{5,} )
    """
)
_LETTER_AND_FIGURE = re.compile(r"(?=.*[^\W\d_]).*\d")
_NOT_OF_WORDS = re.compile(r"\d{6,}|.*[a-z][A-Z].*[a-z][A-Z]|[\w+/~.=-]{16,}")
_FIELD_ERROR_OR_ID = re.compile(
    r"(?:p\d+_)?[a-z]+\d{0,2}(?:_(?:[a-z]+\d{0,2}|\d+))*\.?"
    r"|[A-Z]+[_-]?\d{1,5}\.?|[A-Z]+(?:_[A-Z0-9]+)+\.?|(?:app|tbl|fld|rec|viw)\w{14}\.?"
)

# Tokens and keys that are known by how they begin or end, however short they were cut.
_SHAPES = re.compile(
    r"""(?x) ()(?<![\w.-])
    (?: pat\w{10,}\.\w+                       # Airtable
    |   (?:na|eu|ap)\d-[0-9a-f]{4,}-[\w-]+    # HubSpot, a refresh token
    |   pat(?=[a-zA-Z]*\d)[a-zA-Z0-9]{14}(?!\w) # Airtable, cut short
    |   oaa\w*\.\w[\w.]{7,}                   # Airtable, by OAuth
    |   key(?=\w*(?:\d|[A-Z]\w*[A-Z]\w*[A-Z]))[a-zA-Z0-9]{14}(?!\w) # Airtable, of old
    |   pat-(?:na|eu|ap)\d-[\w-]+             # HubSpot, a private app's
    |   [a-z]{2}_(?:live|test)_\w{8,}         # Stripe
    |   shp[a-z]{2,3}_\w{8,}                  # Shopify
    |   [0-9a-f]{16,}-us\d{1,3}               # Mailchimp
    |   eyJ[\w-]{5,}\.[\w.-]*                 # a JWT
    |   tsk_[\w-]{8,}                         # our own
    )"""
)
# What else is opaque: one long word with a figure in it, but for a UUID, which has 36 characters;
# or a run of letters and figures that alternate, longer than a provider's ids; or a long number of
# hexadecimal digits.
_WORDS = re.compile(r"[\w.~+/=-]{24,}")
_LONG = 37
_RUN = re.compile(r"(?=[a-zA-Z]*\d+[a-zA-Z]+\d)[a-zA-Z0-9]{24,}|(?=\d*[a-fA-F]+\d)[0-9a-fA-F]{32,}")
# Names of properties and scopes, such as `hs_v2_cumulative_time_in_appointmentscheduled`, and
# paths that are made of such and of Airtable's ids, are no secrets.
_NAME = r"[a-z0-9]*(?:[._-]+[a-z0-9]+)*"
_HARMLESS_WORD = re.compile(
    rf"[a-z][a-z0-9]*(?:[._]+[a-z0-9]+)*|/*(?:{_NAME}|(?:app|tbl|fld|rec|viw)\w{{14}})(?:/(?:{_NAME}"
    r"|(?:app|tbl|fld|rec|viw)\w{14}))+"
)
FOREIGN_CHARACTERS = 300
# So much of what somebody says is looked at: no more than what is kept can come of it.
_LOOKED_AT = 20 * FOREIGN_CHARACTERS

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
    text = _NAMED.sub(_hide_if_secret, _TEXTS.sub(_hide, text))
    return _SHAPES.sub(_hide, text)


def foreign_text(text: str) -> str:
    """Return what somebody else's server said: in one line, cut short, its secrets hidden.

    It goes into events, rows, answers and mails, and may repeat what we had sent.
    """
    one_line = " ".join(text[:_LOOKED_AT].split())
    shown = "".join(each for each in one_line if each.isprintable())
    return _WORDS.sub(_hide_if_opaque, redact_text(shown))[:FOREIGN_CHARACTERS]


def _hide(found: re.Match[str]) -> str:
    return found.group(1) + HIDDEN


def _hide_if_secret(found: re.Match[str]) -> str:
    is_secret = _looks_secret(found["word"], is_loose=found["loose"] is not None)
    return _hide(found) if is_secret else found.group()


def _looks_secret(word: str, *, is_loose: bool) -> bool:
    if "://" in word:
        return False
    if not is_loose:
        return bool(_LETTER_AND_FIGURE.match(word) or _NOT_OF_WORDS.match(word))
    is_harmless = "@" in word or _FIELD_ERROR_OR_ID.fullmatch(word)
    return bool(not is_harmless and _LETTER_AND_FIGURE.match(word))


def _hide_if_opaque(found: re.Match[str]) -> str:
    word = found.group()
    return HIDDEN if _is_opaque(word) else word


def _is_opaque(word: str) -> bool:
    if _RUN.search(word):
        return True
    has_figure = any(each.isdigit() for each in word)
    return len(word) >= _LONG and has_figure and not _HARMLESS_WORD.fullmatch(word)
