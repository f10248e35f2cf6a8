"""What tells whether something has changed since it was last shown."""

import hashlib


def version_of(*shown: object) -> str:
    """Return a short name of all that is shown: another for whatever differs."""
    return hashlib.sha256(repr(shown).encode()).hexdigest()[:12]
