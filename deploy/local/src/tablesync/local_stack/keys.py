"""Keys and first operators of a local platform, made once and kept under `.local/keys` (0600)."""

import base64
import fcntl
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from tablesync.contracts.ids import new_id

SERVICES = ("auth-service", "scheduler", "sync-runner", "notifier")
DASHBOARD = "dashboard"
ROLES = ("admin", "operator", "viewer")
# As the sandbox's issuer knows those whom the sign-in page offers to be.
NAMES = {"admin": "Ada", "operator": "Bob", "viewer": "Vera"}


@dataclass(frozen=True)
class ServiceKeys:
    """Where each service's private key, the trusted public keys and the encryption key are."""

    folder: Path

    def private_key_file(self, service: str) -> Path:
        """Return the PEM file with this service's Ed25519 private key."""
        return self.folder / f"{service}.pem"

    @property
    def trusted_keys_file(self) -> Path:
        """Return the JWKS file with every service's public key; `kid` is the service's name."""
        return self.folder / "trusted-keys.json"

    @property
    def encryption_keys_file(self) -> Path:
        """Return the JSON file with the AES-256 keys that protect tokens at rest."""
        return self.folder / "encryption-keys.json"

    @property
    def bootstrap_file(self) -> Path:
        """Return the JSON file with workspace Demo and its three operators."""
        return self.folder / "bootstrap.json"

    @property
    def signing_key_file(self) -> Path:
        """Return the file with the text that the dashboard signs its forms with."""
        return self.folder / "dashboard-signing-key"

    def bootstrap(self) -> dict[str, Any]:
        """Read workspace Demo and its operators."""
        content: dict[str, Any] = json.loads(self.bootstrap_file.read_text())
        return content


def ensure_keys(folder: Path) -> ServiceKeys:
    """Make whatever is missing and change nothing that is there."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    keys = ServiceKeys(folder)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for service in SERVICES:
            _write_once(keys.private_key_file(service), _new_private_key)
        _write_once(keys.trusted_keys_file, lambda: json.dumps(_trusted(keys)).encode())
        _write_once(keys.encryption_keys_file, _new_encryption_keys)
        _write_once(keys.signing_key_file, lambda: secrets.token_urlsafe(48).encode())
        _write_once(keys.bootstrap_file, lambda: json.dumps(_new_bootstrap(), indent=2).encode())
    return keys


def _write_once(path: Path, content: Callable[[], bytes]) -> None:
    if path.exists():
        return
    partial = path.with_suffix(".partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content())
    partial.rename(path)


def _new_private_key() -> bytes:
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _trusted(keys: ServiceKeys) -> dict[str, Any]:
    return {"keys": [_public_jwk(keys, service) for service in SERVICES]}


def _public_jwk(keys: ServiceKeys, service: str) -> dict[str, str]:
    private = load_pem_private_key(keys.private_key_file(service).read_bytes(), password=None)
    raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    x = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    return {
        "kty": "OKP", "crv": "Ed25519", "alg": "Ed25519", "use": "sig", "kid": service, "x": x,
    }  # fmt: skip


def _new_encryption_keys() -> bytes:
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    return json.dumps({"active": "local-1", "keys": {"local-1": key}}).encode()


def _new_bootstrap() -> dict[str, Any]:
    operators = [_operator(role) for role in ROLES]
    operators[0] |= {"api_token": secrets.token_urlsafe(32), "platform": True}
    return {"workspace": {"id": new_id("ws"), "name": "Demo"}, "operators": operators}


def _operator(role: str) -> dict[str, Any]:
    name, email = NAMES[role], f"{role}@example.test"
    return {"id": new_id("op"), "email": email, "name": name, "role": role}
