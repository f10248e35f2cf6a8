"""What a browser keeps for us and must not change: signed by itsdangerous, good for a while."""

from base64 import b64decode, b64encode
from typing import Any

from itsdangerous import BadSignature, URLSafeTimedSerializer
from pydantic import SecretStr
from tablesync.service_kit import sealing


class Signing:
    """Signs small values, each for one purpose."""

    def __init__(self, key: SecretStr) -> None:
        self._key = key.get_secret_value()

    def sign(self, purpose: str, value: Any) -> str:
        """Return a value as text that nobody can change."""
        return str(self._serializer(purpose).dumps(value))

    def read(self, purpose: str, text: str | None, seconds: int) -> Any:
        """Return what was signed for this purpose, or None if it was not, or too long ago."""
        try:
            return self._serializer(purpose).loads(text or "", max_age=seconds)
        except BadSignature:
            return None

    def seal(self, purpose: str, secret: str) -> str:
        """Return a secret as text that nobody can read or change."""
        sealed = sealing.seal(self._key, secret.encode())
        return self.sign(purpose, b64encode(sealed).decode())

    def unseal(self, purpose: str, text: str | None, seconds: int) -> str | None:
        """Return what was sealed for this purpose, or None if it was not, or too long ago."""
        sealed = self.read(purpose, text, seconds)
        return sealing.unseal(self._key, b64decode(sealed)).decode() if sealed else None

    def _serializer(self, purpose: str) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self._key, salt=f"tablesync.{purpose}")
