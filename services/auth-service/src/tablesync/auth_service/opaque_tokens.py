"""Opaque secrets that we hand out: 256 bits at random, of which only a digest is stored."""

import hashlib
import secrets

from pydantic import SecretStr


def new_secret(prefix: str = "") -> SecretStr:
    """Make a secret of 43 URL-safe characters after the prefix."""
    return SecretStr(prefix + secrets.token_urlsafe(32))


def digest(secret: SecretStr | str) -> str:
    """Return what is stored and looked up instead of a secret of full entropy.

    What somebody sends for one may be no text at all; it is unknown then, and no error.
    """
    text = secret.get_secret_value() if isinstance(secret, SecretStr) else secret
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
