"""Seals bytes with a secret that is itself not stored, by AES-256-GCM and HKDF."""

import os

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_SALT_BYTES = 16
_NONCE_BYTES = 12


def seal(secret: str, plain: bytes) -> bytes:
    """Return salt, nonce and ciphertext in one."""
    salt, nonce = os.urandom(_SALT_BYTES), os.urandom(_NONCE_BYTES)
    return salt + nonce + _cipher(secret, salt).encrypt(nonce, plain, None)


def unseal(secret: str, sealed: bytes) -> bytes:
    """Decrypt what `seal` returned; raises cryptography's InvalidTag for another secret."""
    salt, rest = sealed[:_SALT_BYTES], sealed[_SALT_BYTES:]
    return _cipher(secret, salt).decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], None)


def _cipher(secret: str, salt: bytes) -> AESGCM:
    derivation = HKDF(SHA256(), length=32, salt=salt, info=b"tablesync sealing")
    return AESGCM(derivation.derive(secret.encode()))
