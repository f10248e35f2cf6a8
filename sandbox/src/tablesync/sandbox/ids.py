"""Identifiers as the providers shape them."""

import random
import secrets
import string
import uuid

_ALPHABET = string.ascii_letters + string.digits
_source = random.Random()


def airtable_id(prefix: str) -> str:
    """Return a fresh id: three letters and fourteen alphanumerics."""
    return prefix + "".join(_source.choices(_ALPHABET, k=14))


def seeded_airtable_id(prefix: str, *names: object) -> str:
    """Return the same id for the same names, so that a reset brings the same bases back."""
    source = random.Random("/".join(map(str, names)))
    return prefix + "".join(source.choices(_ALPHABET, k=14))


def opaque(length: int = 43) -> str:
    """Return an unguessable text for a token or a code."""
    return secrets.token_urlsafe(length)[:length]


def correlation_id() -> str:
    """Return a fresh correlation id."""
    return str(uuid.UUID(int=_source.getrandbits(128), version=4))
