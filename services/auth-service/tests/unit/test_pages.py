"""Every page renders, escapes what comes from outside, and loads nothing."""

from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

import pytest
from tablesync.auth_service.api.pages import CAUSES, Pages
from tablesync.auth_service.connections import Connection
from tablesync.auth_service.consent.authorizations import AuthorizationStatus
from tablesync.auth_service.consent.connect import Outcome
from tablesync.auth_service.consent.findings import Finding, another_account
from tablesync.auth_service.consent.reconnect_links import ReconnectLink
from tablesync.contracts import Account, ConnectionCause, ConnectionStatus, Provider

NOW = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
HUBSPOT: Any = SimpleNamespace(label="HubSpot", web_origins=("https://app.hubspot.test",))
CONNECTION = Connection(
    id="con_1",
    workspace_id="ws_1",
    provider=Provider.HUBSPOT,
    account=Account(id="7001", name="Acme <script>", email="ada@acme.test"),
    grant_version=1,
    status=ConnectionStatus.REVOKED,
    cause=ConnectionCause.APP_UNINSTALLED,
    owner_id="op_1",
    changed_at=NOW,
)
LINK = ReconnectLink(CONNECTION, NOW, spent=False, expired=False)


@pytest.fixture(scope="module")
def pages() -> Pages:
    return Pages({Provider.HUBSPOT: HUBSPOT})


class Outside(HTMLParser):
    """Collects what a page would load or run, and checks that its tags are closed."""

    VOID = frozenset({"meta", "rect", "path"})

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "link", "img", "iframe", "object"}:
            self.found.append(tag)
        self.found += [name for name, _ in attrs if name.startswith("on") or name == "src"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


def check(response: Any, *texts: str, status: int = 200) -> None:
    page = response.body.decode()
    parser = Outside()
    parser.feed(page)
    assert parser.found == []
    assert parser.open == []
    assert response.status_code == status
    nonce = page.partition('nonce="')[2].partition('"')[0]
    assert f"style-src 'nonce-{nonce}'" in response.headers["content-security-policy"]
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["referrer-policy"] == "no-referrer"
    for text in texts:
        assert text in page


def test_the_outcome_of_a_connection(pages: Pages) -> None:
    outcome = Outcome(AuthorizationStatus.COMPLETED, CONNECTION)
    check(pages.outcome(HUBSPOT, outcome), "HubSpot is connected", "Acme &lt;script&gt;")


def test_the_outcome_of_a_connection_with_less_than_asked_for(pages: Pages) -> None:
    partial = CONNECTION.model_copy(update={"missing_scopes": ("crm.objects.deals.read",)})
    outcome = Outcome(AuthorizationStatus.COMPLETED, partial)
    check(pages.outcome(HUBSPOT, outcome), "Needs attention", "crm.objects.deals.read")


def test_the_outcome_of_another_account_names_both(pages: Pages) -> None:
    finding = another_account(CONNECTION.account, Account(id="7002", name="Globex"))
    outcome = Outcome(AuthorizationStatus.REFUSED, CONNECTION, finding)
    check(pages.outcome(HUBSPOT, outcome), "Acme &lt;script&gt;", "Globex", "7001", "7002")


def test_the_outcome_of_a_denial(pages: Pages) -> None:
    check(pages.outcome(HUBSPOT, Outcome(AuthorizationStatus.DENIED)), "Access was not allowed")


def test_the_outcome_of_trouble(pages: Pages) -> None:
    finding = Finding(kind="provider_unavailable", message="HubSpot did not answer.")
    outcome = Outcome(AuthorizationStatus.REFUSED, None, finding)
    check(pages.outcome(HUBSPOT, outcome), "could not be connected", "did not answer")


def test_an_attempt_that_is_over(pages: Pages) -> None:
    check(pages.expired(HUBSPOT, 410), "cannot be continued", status=410)
    check(pages.expired(None, 404), "cannot be continued", status=404)


@pytest.mark.parametrize(
    ("syncs", "text"),
    [
        (None, "cannot be shown just now"),
        ([], "Reconnect HubSpot"),
        ([{"name": "A", "status": "held", "gap": {"slots_missed": 2}}], "waiting, 2 missed"),
        ([{"name": "B", "status": "paused", "gap": None}] * 2, "2 syncs use"),
    ],
)
def test_a_link_shows_what_waits(pages: Pages, syncs: Any, text: str) -> None:
    response = pages.reconnect(LINK, syncs)

    check(response, text, "uninstalled at HubSpot", "4 March 2026, 05:06 UTC")
    policy = response.headers["content-security-policy"]
    assert "form-action 'self' https://app.hubspot.test;" in policy


@pytest.mark.parametrize("cause", ConnectionCause)
def test_every_cause_has_its_words(cause: ConnectionCause) -> None:
    assert CAUSES[cause].format(label="HubSpot").endswith(".")


def test_links_that_are_over(pages: Pages) -> None:
    spent = replace(LINK, spent=True)
    connected = CONNECTION.model_copy(update={"status": ConnectionStatus.CONNECTED})
    check(pages.link_over(spent), "has been used", status=410)
    check(pages.link_over(replace(spent, connection=connected)), "connected again", status=410)
    check(pages.link_over(replace(LINK, expired=True)), "has expired", status=410)
    check(pages.link_over(None), "do not know this link", status=404)
