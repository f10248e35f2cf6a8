"""Unsubscribe tokens: what one of ours says, and what is none of ours."""

import pytest
from tablesync.local_stack.keys import ServiceKeys
from tablesync.notifier.unsubscribe import PURPOSE, Subscriber, UnsubscribeTokens
from tablesync.service_kit.http.service_auth import Signer

pytestmark = pytest.mark.unit
ADA = Subscriber("ws_1", "op_ada")


def test_a_token_names_one_person(tokens: UnsubscribeTokens) -> None:
    assert tokens.read(tokens.make(ADA)) == ADA


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "e30.e30.e30"])
def test_rubbish_is_no_token(tokens: UnsubscribeTokens, token: str) -> None:
    assert tokens.read(token) is None


def test_a_changed_token_is_no_token(tokens: UnsubscribeTokens) -> None:
    head, _, signature = tokens.make(ADA).split(".")
    _, other, _ = tokens.make(Subscriber("ws_2", "op_eve")).split(".")
    assert tokens.read(f"{head}.{other}.{signature}") is None


@pytest.mark.parametrize(
    ("service", "claims", "lifetime"),
    [
        ("scheduler", {}, 60),  # another service's signature
        ("notifier", {"use": "service", "aud": "auth-service"}, 60),  # another purpose
        ("notifier", {}, -60),  # too old
    ],
)
def test_other_tokens_do_not_unsubscribe(
    tokens: UnsubscribeTokens,
    service_keys: ServiceKeys,
    service: str,
    claims: dict[str, str],
    lifetime: int,
) -> None:
    signer = Signer.from_file(service, service_keys.private_key_file(service))
    usual = {"aud": PURPOSE, "use": PURPOSE, "sub": "op_ada", "ws": "ws_1"}
    assert tokens.read(signer.sign({**usual, **claims}, lifetime)) is None
