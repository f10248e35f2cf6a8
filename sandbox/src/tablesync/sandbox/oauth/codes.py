"""Authorization codes: single use, ten minutes, burnt even when the exchange fails; and PKCE."""

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from tablesync.sandbox.clock import now
from tablesync.sandbox.ids import opaque

CODE_SECONDS = 600
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


@dataclass(frozen=True, slots=True)
class AuthorizationCode:
    """What a person allowed, waiting for its exchange."""

    client_id: str
    redirect_uri: str
    account: str
    user: str
    scopes: tuple[str, ...]
    challenge: str
    bases: frozenset[str] | None
    nonce: str
    expires_at: float


class CodeStore:
    """The codes that wait for their exchange."""

    def __init__(self) -> None:
        self._codes: dict[str, AuthorizationCode] = {}

    def issue(
        self,
        query: Mapping[str, str],
        account: str,
        user: str,
        scopes: tuple[str, ...],
        bases: frozenset[str] | None = None,
    ) -> str:
        """Return a fresh code for an authorize request's query."""
        value = opaque()
        self._codes[value] = AuthorizationCode(
            client_id=query["client_id"],
            redirect_uri=query["redirect_uri"],
            account=account,
            user=user,
            scopes=scopes,
            challenge=query.get("code_challenge", ""),
            bases=bases,
            nonce=query.get("nonce", ""),
            expires_at=now() + CODE_SECONDS,
        )
        return value

    def burn(self, value: str) -> AuthorizationCode | None:
        """Take the code out for good; return it if it was still good."""
        code = self._codes.pop(value, None)
        return code if code and code.expires_at > now() else None


def s256(verifier: str) -> str:
    """Return the unpadded base64url of the verifier's SHA-256."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def verifier_matches(verifier: str, challenge: str) -> bool:
    """Whether a PKCE verifier is well formed and belongs to the challenge."""
    return bool(_VERIFIER.fullmatch(verifier)) and s256(verifier) == challenge
