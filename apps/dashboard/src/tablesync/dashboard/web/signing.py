"""What a browser keeps for us and must not change: signed by itsdangerous, good for a while."""

from typing import Any

from itsdangerous import BadSignature, URLSafeTimedSerializer
from pydantic import SecretStr


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

    def _serializer(self, purpose: str) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self._key, salt=f"tablesync.{purpose}")
