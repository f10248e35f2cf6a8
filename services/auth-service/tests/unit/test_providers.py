"""Every provider, with a class here or without: what is missing is named, and nothing breaks."""

from collections.abc import Iterator
from dataclasses import astuple
from datetime import UTC, datetime

import pytest
from tablesync.auth_service.api.views import connection_view
from tablesync.auth_service.connections import Connection
from tablesync.auth_service.errors import ProviderUnavailableError
from tablesync.auth_service.providers import PROVIDERS, ProviderSettings
from tablesync.auth_service.providers.base import MOST_SCOPES, told_scopes
from tablesync.auth_service.providers.served import Providers
from tablesync.contracts import Account, ConnectionCause, ConnectionStatus, Provider
from tablesync.contracts.wording import PROVIDER_LABELS

# What a provider lacks so far; a line goes when it has everything.
MISSING = {
    Provider.SHOPIFY: {"class", "client id", "client secret"},
    Provider.MAILCHIMP: {"class", "client id", "client secret"},
}


def missing(provider: Provider, providers: Providers) -> Iterator[str]:
    """Yield what auth-service lacks of a provider."""
    if not PROVIDER_LABELS.get(provider):
        yield "label"
    for each in ("client_id", "client_secret"):
        if f"auth_{provider}_{each}" not in ProviderSettings.model_fields:
            yield each.replace("_", " ")
    served = providers.get(provider)
    if provider not in PROVIDERS or served is None:
        yield "class"
    elif served.hints == Providers([]).hints(provider):
        yield "hints"


@pytest.mark.parametrize("provider", Provider)
def test_what_a_provider_lacks_is_named(provider: Provider, providers: Providers) -> None:
    assert set(missing(provider, providers)) == MISSING.get(provider, set())


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_provider_says_who_it_is(provider: Provider, providers: Providers) -> None:
    served = providers.of(provider)

    assert served.name is provider
    assert providers.named(provider.value) is served
    assert served.redirect_uri == f"https://auth.test/oauth/{provider}/callback"
    assert served.required_scopes
    *always, left_out = astuple(served.hints)
    for text in always:
        assert PROVIDER_LABELS[provider] in text
        assert text.endswith(".")
    assert left_out.endswith(".") or left_out == ""
    profile = served.profile
    assert profile.about.endswith(".")
    assert profile.is_source or profile.is_destination
    assert profile.mark
    assert served.sign_out_url.startswith("https://")
    assert bool(served.places.lists) is bool(served.places.records) is profile.is_source
    assert bool(served.places.table) is bool(served.places.row) is profile.is_destination


@pytest.mark.parametrize("provider", Provider)
@pytest.mark.parametrize("status", ConnectionStatus)
def test_a_connection_to_a_provider_that_is_not_served_is_shown(
    provider: Provider, status: ConnectionStatus
) -> None:
    connection = Connection(
        id="con_1",
        workspace_id="ws_1",
        provider=provider,
        account=Account(id="1", name="Acme"),
        grant_version=1,
        status=status,
        cause=None if status is ConnectionStatus.CONNECTED else ConnectionCause.OPERATOR,
        owner_id="op_1",
        changed_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    hints = Providers([]).hints(provider)

    shown = connection_view(connection, hints, {})

    assert shown.provider is provider
    if status is ConnectionStatus.DISCONNECTED:
        (finding,) = shown.findings
        assert (finding.kind, finding.message) == ("app_stays", hints.removal)
        assert PROVIDER_LABELS[provider] in finding.message


@pytest.mark.parametrize("provider", Provider)
def test_asking_a_provider_that_is_not_served_is_no_loss(provider: Provider) -> None:
    with pytest.raises(ProviderUnavailableError) as raised:
        Providers([]).of(provider)
    assert (raised.value.dependency, raised.value.processed) == (provider, False)
    assert raised.value.retry_after > 0


def test_p18_scopes_that_are_none_are_told_to_nobody() -> None:
    scopes = ("crm.objects.custom.highly_sensitive.read.v2", "data.records:read")
    odd = ("shpat_0123456789abcdef0123456789abcdef", "a b", "x" * 151, "")
    assert told_scopes((*scopes, *odd)) == scopes
    assert len(told_scopes(("read",) * 1_000)) == MOST_SCOPES
