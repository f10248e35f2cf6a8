"""Encryption at rest: bound to its place, nonces fresh, keys named."""

import base64
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from tablesync.auth_service.errors import UnreadableGrantError
from tablesync.auth_service.keyring import Keyring, SecretLocation

PLACE = SecretLocation("ws_1", "con_1", "access_token")
KEYRING = Keyring("a", {"a": bytes(32)})


@given(st.text())
def test_p19_what_is_sealed_opens_in_its_place(text: str) -> None:
    assert KEYRING.open(KEYRING.seal(SecretStr(text), PLACE), PLACE).get_secret_value() == text


@pytest.mark.parametrize(
    "elsewhere",
    [
        SecretLocation("ws_2", "con_1", "access_token"),
        SecretLocation("ws_1", "con_2", "access_token"),
        SecretLocation("ws_1", "con_1", "refresh_token"),
        SecretLocation("ws_1con_1", "", "access_token"),
    ],
)
def test_p19_what_is_sealed_does_not_open_elsewhere(elsewhere: SecretLocation) -> None:
    sealed = KEYRING.seal(SecretStr("token"), PLACE)

    with pytest.raises(UnreadableGrantError):
        KEYRING.open(sealed, elsewhere)


def test_p19_no_nonce_comes_twice() -> None:
    nonces = {KEYRING.seal(SecretStr("token"), PLACE).nonce for _ in range(1_000)}

    assert len(nonces) == 1_000


def test_p19_an_older_key_still_opens() -> None:
    old, new = os.urandom(32), os.urandom(32)
    sealed = Keyring("old", {"old": old}).seal(SecretStr("token"), PLACE)
    both = Keyring("new", {"old": old, "new": new})

    assert both.open(sealed, PLACE).get_secret_value() == "token"
    assert both.seal(SecretStr("token"), PLACE).key_id == "new"
    with pytest.raises(UnreadableGrantError):
        Keyring("new", {"new": new}).open(sealed, PLACE)


def test_p19_a_changed_byte_is_noticed() -> None:
    sealed = KEYRING.seal(SecretStr("token"), PLACE)
    changed = bytes([sealed.ciphertext[0] ^ 1]) + sealed.ciphertext[1:]

    with pytest.raises(UnreadableGrantError):
        KEYRING.open(sealed.model_copy(update={"ciphertext": changed}), PLACE)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "cannot be read"),
        ("{}", "must be JSON"),
        ('{"active": "b", "keys": {"a": "AAAA"}}', "32 bytes|not among the keys"),
        ('{"active": "a", "keys": {"a": "c2hvcnQ="}}', "32 bytes"),
        ('{"active": "a", "keys": {"a": "%%%"}}', "32 bytes"),
        ('{"active": "a", "keys": {}}', "must be JSON"),
    ],
)
def test_p19_a_bad_key_file_is_refused(tmp_path: Path, content: str | None, reason: str) -> None:
    file = tmp_path / "keys.json"
    if content is not None:
        file.write_text(content)

    with pytest.raises(ValueError, match=reason) as raised:
        Keyring.from_file(file)
    assert "AAAA" not in str(raised.value)


def test_secrets_are_not_printed() -> None:
    sealed = KEYRING.seal(SecretStr("canary"), PLACE)

    assert "canary" not in repr(sealed)
    assert "canary" not in repr(KEYRING.open(sealed, PLACE))
    assert base64.b64encode(b"canary").decode() not in repr(sealed)
