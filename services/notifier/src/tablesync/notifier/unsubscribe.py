"""Unsubscribing: a signed token names one operator of one workspace, and allows nothing else."""

import json
from dataclasses import dataclass
from pathlib import Path

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from tablesync.notifier.settings import NAME
from tablesync.service_kit.http.service_auth import ALGORITHM, Signer

PURPOSE = "unsubscribe"
# People unsubscribe from old mails, too.
LIFETIME_SECONDS = 400 * 86_400


@dataclass(frozen=True)
class Subscriber:
    """Whose mails are meant."""

    workspace_id: str
    operator_id: str


class UnsubscribeTokens:
    """Makes and reads the tokens of unsubscribe links."""

    def __init__(self, signer: Signer, trusted: KeySet) -> None:
        self._signer = signer
        self._trusted = trusted

    @classmethod
    def from_files(cls, key: Path, trusted: Path) -> "UnsubscribeTokens":
        """Read this service's key and the trusted keys."""
        keys = KeySet.import_key_set(json.loads(trusted.read_text("utf-8")))
        return cls(Signer.from_file(NAME, key), keys)

    def make(self, subscriber: Subscriber) -> str:
        """Make a token for the links in one person's mails."""
        claims = {"aud": PURPOSE, "use": PURPOSE, "sub": subscriber.operator_id}
        return self._signer.sign({**claims, "ws": subscriber.workspace_id}, LIFETIME_SECONDS)

    def read(self, token: str) -> Subscriber | None:
        """Read a token; None if it is not one of ours, or too old."""
        try:
            claims = jwt.decode(token, self._trusted, algorithms=[ALGORITHM]).claims
            _REGISTRY.validate(claims)
        except (JoseError, ValueError, KeyError):
            return None
        return Subscriber(claims["ws"], claims["sub"])


_REGISTRY = jwt.JWTClaimsRegistry(
    aud={"essential": True, "value": PURPOSE},
    use={"essential": True, "value": PURPOSE},
    iss={"essential": True, "value": NAME},
    sub={"essential": True},
    ws={"essential": True},
    exp={"essential": True},
)
