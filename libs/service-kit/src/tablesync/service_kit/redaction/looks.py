"""Secrets that are known by what they look like, whatever they are called."""

import re

from tablesync.service_kit.redaction.names import HIDDEN, hide

# Tokens and keys that are known by how they begin or end, however short they were cut.
_SHAPES = re.compile(
    r"""(?x) ()(?<![\w.-])
    (?: pat\w{10,}\.\w+                       # Airtable
    |   (?:na|eu|ap)\d-[0-9a-f]{4,}-[\w-]+    # HubSpot, a refresh token
    |   pat(?=[a-zA-Z]*\d)[a-zA-Z0-9]{14}(?!\w) # Airtable, cut short
    |   oa[ar]\w*\.\w[\w.]{7,}                # Airtable, by OAuth: for access, and to refresh
    |   key(?=\w*(?:\d|[A-Z]\w*[A-Z]\w*[A-Z]))[a-zA-Z0-9]{14}(?!\w) # Airtable, of old
    |   pat-(?:na|eu|ap)\d-[\w-]+             # HubSpot, a private app's
    |   [a-z]{2}_(?:live|test)_\w{8,}         # Stripe
    |   shp[a-z]{2,3}_\w{8,}                  # Shopify
    |   [0-9a-f]{16,}-[a-z]{2,6}\d{1,3}(?!\w) # Mailchimp
    |   v\d=[0-9a-f]{16,}                     # Mailchimp, a signature
    |   eyJ[\w-]{5,}\.[\w.-]*                 # a JWT
    |   tsk_[\w-]{8,}                         # our own
    |   (?:gh[opsu]|ghr|glpat|github_pat)[_-]\w{16,} # where code is kept
    |   xox[a-z]-[\w-]{8,}                    # Slack
    |   A(?:KI|SI)A[A-Z0-9]{16}               # Amazon
    |   AIza[\w-]{20,} | ya29\.[\w.-]{8,}     # Google
    )"""
)
# A password in a URL, and a user without one, who may be a token.
_IN_URLS = re.compile(r"(://(?:[^/\s:@?#]*:)?)[^/\s@?#]+(?=@)")
# What else is opaque: one long word with a figure in it, but for a UUID, which has 36 characters;
# or a run of letters and figures that alternate, longer than a provider's ids; or a long number of
# hexadecimal digits; or letters that are neither of one case nor words set together.
_WORDS = re.compile(r"[\w.~+/=-]{24,}")
_LONG = 37
# Nobody reads so long a word, and not even we look through it.
_ENDLESS = re.compile(r"[\w.~+/=-]{301,}")
_RUNS = re.compile(r"[a-zA-Z0-9]{24,}")
_ALTERNATES = re.compile(r"[a-zA-Z]*\d+[a-zA-Z]+\d")
_NUMBERS = re.compile(r"[0-9a-fA-F]{32,}")
_IS_HEXADECIMAL = re.compile(r"\d*[a-fA-F]+\d")
_LETTERS = re.compile(rf"[a-zA-Z]{{{_LONG},}}")
_SET_TOGETHER = re.compile(r"[a-z]+|[A-Z]+|[a-z]*(?:[A-Z]{1,4}[a-z]{2,})+[A-Z]{0,4}")
# Names of properties and scopes, such as `hs_v2_cumulative_time_in_appointmentscheduled`, and
# paths that are made of such and of Airtable's ids, are no secrets.
_NAME = re.compile(r"[a-z][a-z0-9]*(?:[._]+[a-z0-9]+)*")
_PATH_SEGMENT = re.compile(r"[a-z0-9]*(?:[._-]+[a-z0-9]+)*|(?:app|tbl|fld|rec|viw)\w{14}")


def hide_shapes(text: str) -> str:
    """Hide what opens or ends as a provider's tokens do."""
    return _SHAPES.sub(hide, text)


def hide_in_urls(text: str) -> str:
    """Hide with what a URL signs in."""
    return _IN_URLS.sub(hide, text)


def hide_endless(text: str) -> str:
    """Hide words without an end."""
    return _ENDLESS.sub(HIDDEN, text)


def hide_opaque(text: str) -> str:
    """Hide long words that nobody has made up to be read."""
    return _WORDS.sub(_hide_if_opaque, text)


def _hide_if_opaque(found: re.Match[str]) -> str:
    word = found.group()
    return HIDDEN if _is_opaque(word) else word


def _is_opaque(word: str) -> bool:
    if _has_runs(word):
        return True
    has_figure = any(each.isdigit() for each in word)
    return len(word) >= _LONG and has_figure and not _is_name(word)


def _has_runs(word: str) -> bool:
    return (
        any(_ALTERNATES.match(each) for each in _RUNS.findall(word))
        or any(_IS_HEXADECIMAL.match(each) for each in _NUMBERS.findall(word))
        or not all(map(_SET_TOGETHER.fullmatch, _LETTERS.findall(word)))
    )


def _is_name(word: str) -> bool:
    segments = word.lstrip("/").split("/")
    if len(segments) == 1:
        return _NAME.fullmatch(word) is not None
    return all(map(_PATH_SEGMENT.fullmatch, segments))
