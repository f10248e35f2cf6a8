"""Secrets that are known by what they are called: a name, what stands between, and the secret."""

import re

HIDDEN = "[hidden]"

# What opens a secret behind its name: quotes of many kinds, brackets, and those of bytes.
_OPENED = r"""(?:["'`“”„‟«»‹›‘’\\\[({<]|b(?=["']))"""
_WORD = r"""[^\s&"'`“”„‟«»‹›‘’\\,;)>\]}<]"""
_GLUED, _JOINED = r"(?:[_-]|%5f)", r"(?:[ _-]|%5f|%20)"
# Whatever follows these is hidden.
_ALWAYS = re.compile(
    rf"""(?xi)
    ( bearer\s+
    | \btoken\s+(?=\S{{16}})
    | (?<![a-z])(?:(?:access|refresh|id|api|oauth){_GLUED}token|client{_GLUED}secret|password
        |api{_JOINED}?key|hapikey|authorization|(?:set-)?cookie)["']?
        (?:\s*[:=]\s*|%3[ad](?:%20)*+)(?:(?:bearer|token|basic|oauth|digest|apikey)\s+)?+{_OPENED}*+
    | (?<![a-z_])(?:access_token|refresh_token|id_token|api_token|oauth_token|token|code|state
        |code_verifier|client_secret|secret|signature|password|api_?key)={_OPENED}*+
    )
    (?!\[?hidden\]){_WORD}+
    """
)
# A secret's name, and the word after it: hidden if it looks like one. A key may be a record's, and
# a code an error's: what looks like a field, an error or Airtable's id stays after those.
_NAMED = re.compile(
    rf"""(?xi)
    ( (?: (?<![^\W\d_]) (?:h?api|access|refresh|client|auth|oauth|mac)?
        | (?-i: (?<=[a-z]) (?=[A-Z]) )
        | (?<=%5f)
      )
      (?: (?:tokens?|secrets?|passw(?:or)?d|pass(?:phrase|code)|hapikey
          |(?P<weak>bearer|basic|credentials?|signature|verifier|hmac(?:-sha256)?)
          |(?:api|access|private){_JOINED}*keys?
          |(?:authori[sz]ation|verification|confirmation|security|access|auth|login|device)[ _-]code
          ) (?:base64)?
        | (?P<loose>keys?|session(?:{_JOINED}?id)?|(?P<code>codes?))
      )
      (?![\w/.-])
      (?P<between> (?: [\s:=>→*\]] | {_OPENED} | -> | %(?:3[ade]|2[027]|5b|7b)
          | (?<=\W)(?:is|was|of|value|equals)(?=[\s:=]) )*+ )
    )
    (?P<word> [\w+/~.=-] {_WORD}{{5,}} )
    """
)
# Says that a value follows; blanks around it are those of code in a traceback.
_EXPLICIT = re.compile(r"(?i):|(?<!\s)=|(?<![=-])>|%3")
_LETTER_AND_FIGURE = re.compile(r"(?=.*[^\W\d_]).*\d")
_NOT_OF_WORDS = re.compile(r"\d{6,}|.*[a-z][A-Z].*[a-z][A-Z]|[\w+/~.=-]{16,}")
_ONE_TIME = re.compile(r"\d{6,8}\.?")
_CODE_OF_ELSE = re.compile(
    r"(?i)(?:error|status|exit|reason|result|zip|postal|country|area|product)[\s_-]*$"
)
_LONGEST_NAME = 12
_FIELD_ERROR_OR_ID = re.compile(
    r"(?:p\d+_)?[a-z]+\d{0,2}(?:_(?:[a-z]+\d{0,2}|\d+))*\.?"
    r"|[A-Z]+[_-]?\d{1,5}\.?|[A-Z]+(?:_[A-Z0-9]+)+\.?|(?:app|tbl|fld|rec|viw)\w{14}\.?"
)
_ALTERNATING = re.compile(r"(?:[A-Z][a-z]|[a-z][A-Z]){4}")
# What is said of a secret, where one might have been expected.
_SAID_OF_IT = re.compile(
    r"""(?xi)
    (?: hidden|missing|required|expired|invalid|revoked|unknown|malformed|rejected|disabled|denied
    |unauthori[sz]ed|forbidden|refused|already|provided|undefined|string|number|boolean|object
    |values?|should|cannot|could|expected|incorrect|mismatch(?:ed)?|unsupported|inactive|deleted
    |removed|exceeded|please|contact|bearer|before|something|nothing|another|returned|parameters?
    |authentication|authori[sz]ation|verification|redemption|challenge|validation|generation
    |exchanged?|previously|presented
    )[.!?:]?
    """
)
_SHORTEST_OF_LETTERS = 10


def hide_named(text: str) -> str:
    """Hide what a secret's name announces."""
    return _NAMED.sub(_hide_if_secret, _ALWAYS.sub(hide, text))


def hide(found: re.Match[str]) -> str:
    """Return what stands before a secret, and that one was there."""
    return found.group(1) + HIDDEN


def _hide_if_secret(found: re.Match[str]) -> str:
    if "://" in found["word"]:
        return found.group()
    is_secret = _is_secret if found["loose"] is None else _is_loosely_secret
    return hide(found) if is_secret(found) else found.group()


def _is_secret(found: re.Match[str]) -> bool:
    word: str = found["word"]
    if _LETTER_AND_FIGURE.match(word) or _NOT_OF_WORDS.match(word):
        return True
    if found["weak"] or _SAID_OF_IT.fullmatch(word):
        return False
    if _EXPLICIT.search(found["between"]):
        return True
    is_code = found[1].lower().rstrip().endswith("code")
    return is_code and word.isalpha() and len(word) >= _SHORTEST_OF_LETTERS


def _is_loosely_secret(found: re.Match[str]) -> bool:
    word = found["word"]
    if "@" in word or _FIELD_ERROR_OR_ID.fullmatch(word):
        return False
    if _LETTER_AND_FIGURE.match(word):
        return True
    if not _EXPLICIT.search(found["between"]):
        return False
    if found["code"] and _ONE_TIME.fullmatch(word):
        before = found.string[max(0, found.start() - _LONGEST_NAME) : found.start()]
        return not _CODE_OF_ELSE.search(before)
    return bool(_ALTERNATING.search(word))
