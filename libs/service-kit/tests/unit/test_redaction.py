"""P18 in the logs: secrets are hidden by name and by shape, and what is harmless stays."""

import string
import time

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tablesync.service_kit.redaction import (
    FOREIGN_CHARACTERS,
    HIDDEN,
    foreign_text,
    redact,
    redact_text,
)


@pytest.mark.parametrize(
    "name",
    ["token", "access_token", "client_secret", "code", "code_verifier", "Authorization", "cookie",
     "password", "reconnect_link", "state", "api_keys"],
)  # fmt: skip
def test_p18_a_field_with_a_secrets_name_is_hidden(name: str) -> None:
    assert redact(None, "", {name: "canary"}) == {name: HIDDEN}


@pytest.mark.parametrize("name", ["status_code", "token_expires_at", "authorization_id", "linked"])
def test_a_harmless_name_is_not(name: str) -> None:
    assert redact(None, "", {name: "kept"}) == {name: "kept"}


@pytest.mark.parametrize(
    "value",
    [
        ["Bearer canary"],
        ("a", ["token=canary"]),
        {"Authorization": "canary"},
        {"headers": {"x-api-key": "n", "cookie": ["canary"]}},
        {"said": "refresh_token=canary"},
        b"Bearer canary",
        ValueError("token=canary"),
        [ValueError("client_secret='canary'")],
        {"token=canary"},
        httpx.URL("https://ada:canary@host.test/?code=canary"),
    ],
)
def test_p18_no_kind_of_value_takes_a_secret_into_a_log(value: object) -> None:
    event = redact(None, "", {"event": "failed", "error": value})
    assert "canary" not in str(event)
    assert HIDDEN in str(event)
    assert event["event"] == "failed"


def test_what_is_nested_in_itself_is_cut_off() -> None:
    circle: list[object] = ["token=canary"]
    circle.append(circle)
    assert "canary" not in str(redact(None, "", {"error": circle}))


def test_plain_values_of_a_log_stay_as_they_are() -> None:
    event = {"a": 1, "b": 2.5, "c": None, "d": True, "e": ["x", {"f": 3}], "_record": object()}
    assert redact(None, "", dict(event)) == event


@pytest.mark.parametrize(
    "text",
    [
        "GET /oauth/hubspot/callback?code=canary&state=canary failed",
        "Authorization: Bearer canary",
        "mongodb://user:canary@db:27017 is away",
        "ValueError: refresh_token=canary, client_secret='canary'",
        'Traceback …\n  raise Error("api_key=canary")',
    ],
)
def test_p18_text_that_looks_like_a_secret_is_hidden(text: str) -> None:
    assert "canary" not in redact_text(text)
    assert HIDDEN in redact_text(text)


def test_other_text_stays_as_it_is() -> None:
    text = "http://127.0.0.1:8101/v1/runs answered 409: status_code=409 for run_1"
    assert redact_text(text) == text


CANARY = "CANARY7fK2mQ9xLw4Zt8Rb1Vy6Nc3Hd5Js0PgAe"


@pytest.mark.parametrize(
    "said",
    [
        "Bearer {} is bad access_token={}",
        "the token {} has expired",
        'invalid {{"access_token": "{}", "refresh_token":"{}"}}',
        "Authorization: token {}",
        "Authorization: Basic {}",
        "unknown credential {}",
        "password: {}",
    ],
)
def test_p18_what_a_provider_repeats_of_our_secrets_goes_no_further(said: str) -> None:
    text = foreign_text(said.format(CANARY, CANARY))
    assert CANARY not in text
    assert HIDDEN in text


# A secret of each kind that a provider may repeat, none of them living, some cut short.
SECRETS = [
    "patAbC123def45678.0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "patAbC123def45678.0123",
    "pat-na1-11111111-2222-3333-4444-555555555555",
    "na1-11111111-2222-3333-4444-555555555555",
    "CN_SvbXrLxIOAAEAQAAAQQMAAAAAAAAACBgS7Zb9cgMg",
    "shpat_0123456789abcdef0123456789abcdef",
    "shpua_abcdef0123456789",
    "shpss_0123456789abcdef0123456789abcdef",
    "0123456789abcdef0123456789abcdef-us21",
    "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "eyJhbGciOiJSUzI1NiJ9.eyJzdWIi",
    "deadbeefdeadbeefdeadbeef00112233",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "YWxhZGRpbjpvcGVuc2VzYW1lMTIzNDU2Nzg5MA==",
    "Zm9vYmFyYmF6/cXV4cXV1eGNv/cmdlZ3JhdWx0MTIz",
    "tsk_9fK2mQ9xLw4Zt8Rb1Vy6",
    "oaaAbC123dEf45678.v1.Zz12345678abcdef",
    "oarAbC123dEf.v1.Zz12345678abcdef",
    "shprt_0123456789abcdef0123456789abcdef",
    "shpca_0123456789abcdef0123456789abcdef",
    "eu1-a1b2c3d4-5566-7788-99aa-bbccddeeff00",
    "0123456789abcdef0123456789abcdef-eu1",
    "ghp_abcdefghijklmnopqrstuvwxyz012345",
    "xoxb-123456789012-abcdefghij",
    "AKIAIOSFODNN7EXAMPLE",
    "ya29.abcdefghijkl",
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRST",
    "QmFzZVNpeHRpRm91cklzTm90QWx3YXlzV2l0aEZpZ3VyZXM",
]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "said", ["{}", "Invalid value: '{}'.", 'no access for {{"key": "{}"}}', "…/{} is gone"]
)
def test_p18_a_secret_of_any_kind_is_hidden_by_its_looks_alone(said: str, secret: str) -> None:
    text = foreign_text(said.format(secret))
    assert HIDDEN in text
    assert not any(secret[start : start + 12] in text for start in range(len(secret) - 11))


@pytest.mark.parametrize("secret", ["a-short-one", "x1y2z3"])
@pytest.mark.parametrize(
    "said",
    [
        "Bearer {}",
        "Authorization: {}",
        "authorization: Basic {}",
        "redirected with code={}&state={}",
        "refresh_token={}",
        "api-key: {}",
        "hapikey={}",
        "Cookie: {}",
        "signature={}",
    ],
)
def test_p18_a_short_secret_is_hidden_by_what_it_is_called(said: str, secret: str) -> None:
    assert secret not in foreign_text(said.format(secret, secret))


# What providers say, and the secret in it.
TOLD = [
    ("invalid bearer: {}", "abcDEF123ghi"),
    ("Bearer: {}", "zyx987wvu654"),
    ("The token '{}' is expired", "abcd1234"),
    ("token is {}", "abcd1234efgh"),
    ("token {} is bad", "abcdefghijklmnop"),
    ("access token {} expired", "v1.local-foo"),
    ("token: {}", "abcd-1234-efgh"),
    ('{{"token": "{}"}}', "abcdef123456"),
    ('{{"accessToken":"{}"}}', "abcdef123456"),
    (r"{{\"token\":\"{}\"}}", "abcdef123456"),
    ("your code {} is used", "9f8e7d6c5b4a"),
    ("code: {}", "9f8e7d6c5b"),
    ('{{"code":"{}"}}', "abcdef123456"),
    ("code%3D{}", "abcdef123456"),
    ("invalid authorization code {}", "4/0AX4XfWh"),
    ("authorization code {}", "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d"),
    ("client secret {} is wrong", "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d"),
    ("refresh token: {}", "9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d"),
    ("secret {}", "abc123"),
    ("client_secret: {}", "hunter2x"),
    ("clientSecret: {}", "hunter2x"),
    ("key={}", "k123456789"),
    ("key={}", "abcdef123"),
    ("apikey {}", "abcdef1234567"),
    ("API key '{}'", "abcdefGhijklMnop"),
    ("Unknown api key {}", "keyAbCdEfGhIjKlMn"),
    ("X-Shopify-Access-Token: {}", "abcdef123"),
    ("x-api-key: {}", "abcdef123"),
    ("Basic {}", "dXNlcjpwYXNz"),
    ("signature: {}", "d34db33f"),
    ("password is {}", "12345678"),
    ("no {} here", "sk_live_abcdef12345"),
    ("no {} here", "oaa.abcdefghijk"),
    ("no {} here", "keyABCDEFGHIJKLMN"),
    ("no {} here", "patAbC123def45678"),
    ("the token “{}” has expired", "abc123def456"),
    ("token «{}» has expired", "abc123def456"),
    ("<access_token>{}</access_token>", "abc123def456"),
    ("<refresh_token>{}</refresh_token>", "abcdefghijkl"),
    ("<code>{}</code>", "abc123def456"),
    ("access%5Ftoken%3D{}", "abc123def456"),
    ("oauth%5Ftoken%3A%20{}", "abcdefghijkl"),
    ("token%20{}", "abc123def456"),
    ('{{"refresh_token": ["{}"]}}', "abc123def456"),
    ("{{'access_token': b'{}'}}", "abc123def456"),
    ("{{'token': b'{}'}}", "abc123def456"),
    ('data["token"] = "{}"', "abc123def456"),
    ("token value: {}", "abc123def456"),
    ("token (value {})", "abc123def456"),
    ("token → {}", "abc123def456"),
    ("token => {}", "abc123def456"),
    ("access_token was: {}", "abc123def456"),
    ("token: {}", "abcdefghijkl"),
    ("invalid authorization code: {}", "ABCDEFGHIJKL"),
    ("authorization code {}", "abcdefghijkl"),
    ("your verification code: {}", "482913"),
    ("passcode: {}", "482913"),
    ("your code: {}", "482913"),
    ("secret: {}", "correcthorse"),
    ("macSecretBase64: {}", "correcthorse"),
    ("key: {}", "AbCdEfGhIj"),
    ("session {}", "abc123def45"),
    ("hmac: {}", "abc123def456"),
    ("X-Airtable-Content-MAC: hmac-sha256={}", "abc123def456"),
    ("Authorization: OAuth {}", "abcdef"),
    ("no {} here", "v1=0123456789abcdef01"),
    ("redirected to https://{}@host/x", "pw12345"),
    ("redirected to https://ada:{}@host/x", "pw12345"),
]


@pytest.mark.parametrize(("said", "secret"), TOLD)
def test_p18_what_follows_a_secrets_name_and_looks_like_one_is_hidden(
    said: str, secret: str
) -> None:
    text = foreign_text(said.format(secret))
    assert HIDDEN in text
    assert secret not in text
    assert text.startswith(said.split("{}", maxsplit=1)[0].replace("{{", "{"))


NAMES = ["token", "secret", "key", "code", "api_key", "Access-Token", "authorization code"]
SEPARATORS = ["=", ":", ": ", " ", '":"', '": "', "='", " '", " is ", " = "]
SEVERAL = string.ascii_letters + string.digits


@given(
    st.sampled_from(NAMES),
    st.sampled_from(SEPARATORS),
    st.uuids().map(str) | st.text(SEVERAL, min_size=12, max_size=60).map("{}x7Y2".format),
)
def test_p18_after_any_name_and_separator_a_random_secret_is_hidden(
    name: str, separator: str, secret: str
) -> None:
    assert secret not in foreign_text(f"invalid {name}{separator}{secret} today")


def test_p18_what_is_unseen_hides_no_secret() -> None:
    assert CANARY not in foreign_text(f"Bea\u200brer\u0000 {CANARY}")


@pytest.mark.parametrize(
    "said",
    [
        "You have exceeded the monthly API limit.",
        "The OAuth token used to make this call expired 3 second(s) ago.",
        "Row recABCDEFGH123456 does not exist in tblContacts000001",
        "hs_v2_cumulative_time_in_appointmentscheduled is not there",
        "needs crm.objects.custom.highly_sensitive.read.v2 at least",
        "GET https://api.hubapi.com/crm/v3/objects/contacts/search is not possible",
        "/v0/appAcme0000000001/tblContacts000001/recABCDEFGH123456 was not found",
        'Field "Grundstücksverkehrsgenehmigung2026" cannot accept the provided value',
        'Property "tier_code" does not exist on objects of type contacts',
        "Value for field Name: token is missing. Unknown field name: fldDoesNotExist00",
        "correlation 0198f0c2-8a40-7c31-9d52-3f6b1c7e9a01: Grundstücksverkehrsgenehmigung",
        "error code: 422, state: active",
        "code 400",
        "code: INVALID_V2_EMAIL, error code E11000",
        'key "email" is empty',
        'The key "address2" and key hs_date_entered_1043225341 are no properties',
        "Record with key 12345678901 and key ann2@acme.test and key recABCDEFGH123456 exist",
        "The token expired on 2026-03-01, the secret is required",
        'unknown property "keyAccountManager"',
        "a basic authentication, monkey abc123def, a code/v2/objects of tokens",
        "bad authorization_code grant, see the token: https://api.hubapi.com/oauth/v1/token",
        "token: expired, secret: missing, the authorization code provided was not found",
        "The authorization code was not found or was already used",
        "This request requires an active refresh_token",
        "Basic: Premium, Session: Opening, zip code: 123456, error code: 100001",
        "key: firstNameOfPerson, token type: Bearer",
        "PUBLIC_API_BILLING_LIMIT_EXCEEDED, PublicApiBillingLimitExceededForThisWorkspaceAPI",
        "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
        "see https://developers.hubspot.com/changelog?mail=ada@acme.test",
    ],
)
def test_what_a_provider_says_else_stays_as_it_is(said: str) -> None:
    assert foreign_text(said) == said


@pytest.mark.parametrize(("said", "secret"), TOLD)
def test_what_was_hidden_once_stays_as_it_is(said: str, secret: str) -> None:
    text = foreign_text(said.format(secret))
    assert redact_text(text) == foreign_text(text) == text


IDS = "/".join(["appabcdefghijklmn"] * 20)
ENDLESS = {
    "figures": "1" * 6_000,
    "both cases": "aB" * 3_000,
    "hexadecimal": "f" * 6_000,
    "a syllable": "data" * 1_500,
    "ids and no id": f"{IDS}~1",
    "names": "token " * 1_000,
    "blanks behind a name": f"bearer{' ' * 5_000}",
    "quotes behind a name": "token" + "\"'" * 2_500,
    "hosts": "://" * 2_000,
    "users": f"://{'a:' * 2_900}",
    "openings": "pat" * 2_000,
    "parts of a token": "oaa." * 1_500,
    "parts of a scope": "a.b_" * 1_500,
    "slashes": "/" * 6_000,
}


@pytest.mark.parametrize("name", ENDLESS)
def test_p30_no_word_is_looked_through_for_long(name: str) -> None:
    """A fifth of a second of CPU at most, where some took ten and some had no end."""
    began = time.process_time()
    foreign_text(f'Field "Photo" cannot accept the provided value "{ENDLESS[name]}"')
    redact_text(ENDLESS[name])
    assert time.process_time() - began < 0.2


def test_p30_what_a_provider_says_is_one_short_line() -> None:
    assert foreign_text("a\r\nb\x1b[31m\u2028c") == "a b[31m c"
    assert len(foreign_text("long " * 5_000)) == FOREIGN_CHARACTERS
