"""Encryption of tokens at rest: AES-256-GCM with a key id, bound to where the token belongs."""

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import BaseModel, Field, SecretStr, StringConstraints, ValidationError
from tablesync.auth_service.errors import UnreadableGrantError
from tablesync.contracts.specs import Value

KEY_BYTES = 32
_NONCE_BYTES = 12
_KeyId = Annotated[str, StringConstraints(min_length=1, max_length=100)]


@dataclass(frozen=True)
class SecretLocation:
    """Where a secret belongs; a row copied to another place does not decrypt there."""

    workspace_id: str
    owner_id: str
    field: str

    def associated_data(self) -> bytes:
        """Return the bytes that the ciphertext is bound to."""
        return json.dumps([self.workspace_id, self.owner_id, self.field]).encode()


class Sealed(Value):
    """A secret at rest, and the key that opens it."""

    key_id: str
    nonce: bytes
    ciphertext: bytes


class _KeyFile(BaseModel):
    active: _KeyId
    keys: dict[_KeyId, SecretStr] = Field(min_length=1)


class Keyring:
    """The keys of this installation: one encrypts, all decrypt."""

    def __init__(self, active: str, keys: Mapping[str, bytes]) -> None:
        if active not in keys:
            raise ValueError(f"the active key {active!r} is not among the keys")
        if any(len(key) != KEY_BYTES for key in keys.values()):
            raise ValueError(f"each key must be the base64 of {KEY_BYTES} bytes")
        self.active = active
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}

    @classmethod
    def from_file(cls, path: Path) -> "Keyring":
        """Read {"active": key id, "keys": {key id: base64}}; raises ValueError without values."""
        try:
            content = _KeyFile.model_validate_json(path.read_bytes())
            raw = {name: _decoded(key) for name, key in content.keys.items()}
        except OSError as error:
            raise ValueError(f"cannot be read: {error.strerror}") from None
        except ValidationError:
            raise ValueError('must be JSON: {"active": key id, "keys": {key id: base64}}') from None
        return cls(content.active, raw)

    def seal(self, secret: SecretStr, place: SecretLocation) -> Sealed:
        """Encrypt with the active key and a fresh nonce."""
        nonce = os.urandom(_NONCE_BYTES)
        plain = secret.get_secret_value().encode()
        sealed = self._ciphers[self.active].encrypt(nonce, plain, place.associated_data())
        return Sealed(key_id=self.active, nonce=nonce, ciphertext=sealed)

    def open(self, sealed: Sealed, place: SecretLocation) -> SecretStr:
        """Decrypt; raises UnreadableGrantError for an unknown key or another place."""
        cipher = self._ciphers.get(sealed.key_id)
        if cipher is None:
            raise UnreadableGrantError(f"key {sealed.key_id!r} is not in the key file")
        try:
            plain = cipher.decrypt(sealed.nonce, sealed.ciphertext, place.associated_data())
        except InvalidTag:
            raise UnreadableGrantError(f"{place.field} does not belong to this row") from None
        return SecretStr(plain.decode())


def _decoded(key: SecretStr) -> bytes:
    try:
        return base64.b64decode(key.get_secret_value(), validate=True)
    except ValueError:
        raise ValueError(f"each key must be the base64 of {KEY_BYTES} bytes") from None
