"""Every page renders, escapes what comes from outside, and loads nothing."""

from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from starlette.responses import Response
from tablesync.auth_service.api.pages import Again, Pages
from tablesync.auth_service.connections import Connection
from tablesync.auth_service.consent.authorizations import Completion
from tablesync.auth_service.consent.connect import Outcome
from tablesync.auth_service.consent.findings import another_account, bases_left_out
from tablesync.auth_service.consent.reconnect_links import ReconnectLink
from tablesync.auth_service.consent.requests import ConsentRequest
from tablesync.auth_service.identity.members import Operator
from tablesync.auth_service.identity.workspaces import Workspace
from tablesync.auth_service.providers.base import OAuthProvider
from tablesync.auth_service.providers.served import Providers
from tablesync.contracts import Account, ConnectionCause, ConnectionStatus, Provider
from tablesync.contracts.internal_api import AffectedSync, AffectedSyncs, WrittenBase
from tablesync.contracts.public_api.connections import AuthorizationStatus, Finding
from tablesync.contracts.wording import PROVIDER_LABELS, loss

POLICY = "content-security-policy"
NOW = datetime(2026, 3, 4, 5, 6, tzinfo=UTC)
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
CONNECTED = CONNECTION.model_copy(
    update={"status": ConnectionStatus.CONNECTED, "cause": None, "grant_version": 2}
)
WORKSPACE = Workspace(id="ws_1", name="Acme & <Co>")
ASKER = Operator(id="op_1", email="ada@acme.test", name="Ada <i>")
AGAIN = Again("aut_1", "a-token")
LINK = ReconnectLink(CONNECTION, NOW, spent=False, expired=False)


@pytest.fixture(scope="module")
def pages() -> Pages:
    return Pages()


@pytest.fixture
def hubspot(providers: Providers) -> OAuthProvider:
    return providers.of(Provider.HUBSPOT)


class Outside(HTMLParser):
    """Collects what a page would load or run, and checks that its tags are closed."""

    VOID = frozenset({"meta", "rect", "path", "input", "br"})

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


def text_of(page: Response) -> str:
    """Return what a browser gets."""
    return bytes(page.body).decode()


def check(response: Response, *texts: str, status: int = 200) -> None:
    page = text_of(response)
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


def test_the_outcome_of_a_connection(pages: Pages, hubspot: OAuthProvider) -> None:
    outcome = Outcome(AuthorizationStatus.COMPLETED, CONNECTED)
    check(
        pages.outcome(hubspot, outcome, WORKSPACE, AGAIN),
        "HubSpot is connected",
        "Acme &lt;script&gt;",
        "Acme &amp; &lt;Co&gt;",
    )


def test_the_outcome_of_a_connection_with_less_than_asked_for(
    pages: Pages, hubspot: OAuthProvider
) -> None:
    partial = CONNECTED.model_copy(update={"missing_scopes": ("crm.objects.deals.read",)})
    outcome = Outcome(AuthorizationStatus.COMPLETED, partial)
    check(
        pages.outcome(hubspot, outcome, WORKSPACE, AGAIN),
        "Needs attention",
        "not allowed to <strong>read deals</strong>",
        "crm.objects.deals.read",
        "are held until it is allowed",
    )


def test_a_success_says_what_becomes_of_a_base_that_was_not_chosen(
    pages: Pages, providers: Providers
) -> None:
    """Airtable's tokens do not tell which bases they reach; a promise for all would be false."""
    outcome = Outcome(AuthorizationStatus.COMPLETED, CONNECTED)
    airtable = providers.of(Provider.AIRTABLE)
    check(
        pages.outcome(airtable, outcome, WORKSPACE, AGAIN),
        "carry on by themselves",
        "A sync to a base that was not chosen is held",
    )


def test_the_outcome_of_another_account_names_both(pages: Pages, hubspot: OAuthProvider) -> None:
    finding = another_account(CONNECTION.account, Account(id="7002", name="Globex"))
    outcome = Outcome(AuthorizationStatus.REFUSED, CONNECTION, finding)
    check(
        pages.outcome(hubspot, outcome, WORKSPACE, AGAIN),
        "Acme &lt;script&gt;",
        "Globex",
        "7001",
        "7002",
    )


def test_what_others_have_named_turns_no_page_around(pages: Pages, hubspot: OAuthProvider) -> None:
    """A provider's account, a sync or an old workspace is shown cleaned, and isolated."""
    evil = Account(id="7002", name="Glo\u202ebex\u2066 עברית", email="a\u200b@b.test")
    connection = CONNECTION.model_copy(update={"account": evil})
    workspace = WORKSPACE.model_copy(update={"name": "Ac\u202eme"})
    syncs = AffectedSyncs(items=(a_sync("Co\u202entacts", "held", 2),))
    for page in (
        pages.reconnect(hubspot, replace(LINK, connection=connection), workspace, syncs, "a-token"),
        pages.consent(hubspot, ConsentRequest(workspace, ASKER, connection), "a-token"),
        pages.outcome(
            hubspot,
            Outcome(
                AuthorizationStatus.REFUSED, CONNECTION, another_account(CONNECTION.account, evil)
            ),
            workspace,
            AGAIN,
        ),
    ):
        check(page, "\u2068Globex עברית\u2069")
        shown = text_of(page)
        assert not {"\u202e", "\u2066", "\u200b"} & set(shown)
        assert "Acme" in shown or "You signed in to another" in shown


def test_the_outcome_of_a_denial(pages: Pages, hubspot: OAuthProvider) -> None:
    check(
        pages.outcome(hubspot, Outcome(AuthorizationStatus.DENIED), WORKSPACE, AGAIN),
        "Access was not allowed",
    )


def test_the_outcome_of_what_was_lost_since_says_so(pages: Pages, hubspot: OAuthProvider) -> None:
    outcome = Outcome(AuthorizationStatus.COMPLETED, CONNECTION)
    response = pages.outcome(hubspot, outcome, WORKSPACE, AGAIN)
    check(response, "was connected, and is not any more")
    assert "carry on by themselves" not in text_of(response)


def test_what_came_to_nothing_can_be_begun_anew(pages: Pages, hubspot: OAuthProvider) -> None:
    for status, is_offered in {
        AuthorizationStatus.DENIED: True,
        AuthorizationStatus.COMPLETED: False,
        AuthorizationStatus.PENDING: False,
    }.items():
        page = text_of(pages.outcome(hubspot, Outcome(status, CONNECTED), WORKSPACE, AGAIN))
        assert ('action="again?authorization=aut_1"' in page) is is_offered, status


def test_the_outcome_of_trouble(pages: Pages, hubspot: OAuthProvider) -> None:
    finding = Finding(kind="provider_unavailable", message="HubSpot did not answer.")
    outcome = Outcome(AuthorizationStatus.REFUSED, None, finding)
    check(
        pages.outcome(hubspot, outcome, WORKSPACE, AGAIN),
        "could not be connected",
        "did not answer",
    )


def test_an_attempt_that_is_over(pages: Pages, hubspot: OAuthProvider) -> None:
    check(pages.expired(hubspot, 410), "cannot be continued", status=410)
    check(pages.expired(None, 404), "cannot be continued", status=404)
    for page in (pages.expired(hubspot, 410), pages.expired(None, 404)):
        check(page, "cannot be shown here any more", status=page.status_code)
        assert "Not connected" not in text_of(page), "nobody here knows"


def test_an_attempt_that_goes_on_in_another_tab(pages: Pages, hubspot: OAuthProvider) -> None:
    page = pages.elsewhere(hubspot, AGAIN)

    check(page, "Go on in the other tab", "Start again", "again?authorization=aut_1")
    assert "Not connected" not in text_of(page)


def test_who_asks_and_for_which_workspace_is_said_before_leaving(
    pages: Pages, hubspot: OAuthProvider
) -> None:
    response = pages.consent(hubspot, ConsentRequest(WORKSPACE, ASKER, None), "a-token")

    hints = hubspot.hints
    check(response, "Acme &amp; &lt;Co&gt;", "Ada &lt;i&gt;", "ada@acme.test", hints.asks)
    page = text_of(response)
    assert "What happens to your data" in page
    assert "Connecting alone moves and deletes nothing" in page
    assert hints.connect in page
    assert hints.reconnect not in page
    assert page.count("<button") == 1
    assert 'name="form_token" value="a-token"' in page
    assert "form-action 'self' https://app.hubspot.test" in response.headers[POLICY]


def test_what_is_to_be_reconnected_is_named_before_leaving(
    pages: Pages, hubspot: OAuthProvider
) -> None:
    by_link = ConsentRequest(WORKSPACE, None, CONNECTION)

    response = pages.consent(hubspot, by_link, "a-token")

    check(response, "Acme &lt;script&gt;", hubspot.hints.reconnect, "Acme &amp; &lt;Co&gt;")
    assert "Nothing is deleted, here or at HubSpot" in text_of(response)
    assert "Asked for by" not in text_of(response)


def test_attempts_that_go_on_elsewhere_or_were_not_begun_here(
    pages: Pages, hubspot: OAuthProvider
) -> None:
    check(pages.taken(hubspot), "in another browser", status=409)
    check(pages.not_pressed_here(), "press the button", "cookies", status=403)


def a_sync(name: str, status: str, missed: int = 0, *others: str) -> AffectedSync:
    """Make a sync; what missed something is held by the connection, and perhaps by others."""
    gap = {"from": NOW, "slots_missed": missed} if missed else None
    kinds = ("connection", *others) if missed else others
    holds = [
        {"kind": each, "connection_id": CONNECTION.id, "cause": "gone", "since": NOW}
        for each in kinds
    ]
    body = {"sync_id": "syn_1", "name": name, "object": "contacts", "status": status, "gap": gap}
    return AffectedSync.model_validate({**body, "holds": holds})


@pytest.mark.parametrize(
    ("syncs", "text"),
    [
        (None, "cannot be shown just now"),
        (AffectedSyncs(items=()), "Reconnect HubSpot"),
        (AffectedSyncs(items=(a_sync("A", "held", 2),)), "waiting, 2 missed"),
        (
            AffectedSyncs(items=(a_sync("A", "paused", 2),)),
            "paused; runs again once somebody resumes it and its connection is reconnected, 2",
        ),
        (
            AffectedSyncs(items=(a_sync("A", "held", 2, "mapping"),)),
            "runs again once its connection is reconnected and what it needs is there again",
        ),
        (AffectedSyncs(items=(a_sync("B", "paused"),) * 2), "2 syncs use"),
        (AffectedSyncs(items=(a_sync("C", "held"),), total=10_000), "and 9999 more"),
    ],
)
def test_a_link_shows_what_waits(
    pages: Pages, hubspot: OAuthProvider, syncs: AffectedSyncs | None, text: str
) -> None:
    response = pages.reconnect(hubspot, LINK, WORKSPACE, syncs, "a-token")

    check(response, text, "uninstalled at HubSpot", "4 March 2026, 05:06 UTC")
    policy = response.headers["content-security-policy"]
    assert "form-action 'self' https://app.hubspot.test" in policy


@pytest.mark.parametrize("cause", ConnectionCause)
def test_every_cause_has_its_words(
    pages: Pages, hubspot: OAuthProvider, cause: ConnectionCause
) -> None:
    lost = CONNECTION.model_copy(update={"cause": cause})
    words = loss(cause, Provider.HUBSPOT)

    assert words.endswith(".")
    check(
        pages.reconnect(hubspot, replace(LINK, connection=lost), WORKSPACE, None, "a-token"), words
    )


@pytest.mark.parametrize("name", [Provider.HUBSPOT, Provider.AIRTABLE])
def test_pages_say_what_to_choose_at_the_provider(
    pages: Pages, providers: Providers, name: Provider
) -> None:
    provider = providers.of(name)
    denied = Outcome(AuthorizationStatus.DENIED, CONNECTION)
    finding = another_account(CONNECTION.account, Account(id="7002", name="Globex"))
    other = Outcome(AuthorizationStatus.REFUSED, CONNECTION, finding)

    for page in (
        pages.reconnect(provider, LINK, WORKSPACE, None, "a-token"),
        pages.outcome(provider, denied, WORKSPACE, AGAIN),
        pages.outcome(provider, other, WORKSPACE, AGAIN),
    ):
        check(page, provider.hints.reconnect)
    first = pages.outcome(provider, Outcome(AuthorizationStatus.DENIED), WORKSPACE, AGAIN)
    check(first, provider.hints.connect)


@pytest.mark.parametrize(
    ("connection", "text"),
    [
        (None, "Not connected"),
        (CONNECTION, "the syncs that use this connection still wait"),
        (CONNECTED, "HubSpot stays connected as it was"),
    ],
)
def test_what_came_to_nothing_says_how_the_connection_is_now(
    pages: Pages, hubspot: OAuthProvider, connection: Connection | None, text: str
) -> None:
    denied = Outcome(AuthorizationStatus.DENIED, connection)
    page = pages.outcome(hubspot, denied, WORKSPACE, AGAIN)
    late = pages.too_late(hubspot, connection, 400, AGAIN)
    check(page, "Access was not allowed", "Nothing was changed", text, "Start again")
    check(late, "took too long", "Nothing was changed", text, "Start again", status=400)


@pytest.mark.parametrize(
    ("was", "says", "not_this"),
    [
        (None, "choose it in a sync", "Syncs that waited"),
        (ConnectionStatus.CONNECTED, "nothing had to wait", "Syncs that waited"),
        (ConnectionStatus.REVOKED, "Syncs that waited", "nothing had to wait"),
        (ConnectionStatus.DISCONNECTED, "Syncs that waited", "nothing had to wait"),
    ],
)
def test_a_success_says_what_it_has_changed(
    pages: Pages, hubspot: OAuthProvider, was: ConnectionStatus | None, says: str, not_this: str
) -> None:
    outcome = completed(CONNECTED, was)
    page = pages.outcome(hubspot, outcome, WORKSPACE, AGAIN)
    check(page, says, "HubSpot is connected", "ada@acme.test")
    assert not_this not in text_of(page)
    assert "<button" not in text_of(page)


def test_what_is_missing_is_named_and_asked_for_once_more(
    pages: Pages, providers: Providers
) -> None:
    base = WrittenBase(base_id="app1", name="Deals <b>", syncs=3, sync_names=("A <i>", "B"))
    bases = [base, *(WrittenBase(base_id=f"app{n}", syncs=1) for n in range(2, 30))]
    left_out = bases_left_out(bases)
    assert "Deals <b> (app1), 3 syncs: A <i>, B and 1 more; app2, 1 sync" in left_out.message
    partial = CONNECTED.model_copy(update={"missing_scopes": ("data.records:write",)})
    outcome = replace(completed(partial, ConnectionStatus.REVOKED), finding=left_out)

    page = pages.outcome(providers.of(Provider.AIRTABLE), outcome, WORKSPACE, AGAIN)

    shown = ("data.records:write", "29 bases", "Deals &lt;b&gt;", "A &lt;i&gt;, B and 1 more")
    check(page, *shown, "3 syncs", "and 9 more", "held until", "Connect once more")
    since = outcome.connection and outcome.connection.model_copy(update={"sequence": 8})
    whole = since and since.model_copy(update={"missing_scopes": ()})
    later = pages.outcome(
        providers.of(Provider.AIRTABLE), replace(outcome, connection=whole), WORKSPACE, AGAIN
    )
    assert "Deals" not in text_of(later), "another attempt has changed it since"


def completed(connection: Connection, was: ConnectionStatus | None) -> Outcome:
    completion = Completion(was=was, sequence=connection.sequence)
    return Outcome(AuthorizationStatus.COMPLETED, connection, completion=completion)


@pytest.mark.parametrize("provider", Provider)
def test_a_provider_that_is_not_served_has_its_pages(pages: Pages, provider: Provider) -> None:
    link = replace(LINK, connection=CONNECTION.model_copy(update={"provider": provider}))
    label = PROVIDER_LABELS[provider]

    check(pages.not_served(provider), label, "Nothing was changed", status=503)
    check(pages.link_over(replace(link, expired=True)), label, "has expired", status=410)


def test_links_that_are_over(pages: Pages) -> None:
    spent = replace(LINK, spent=True)
    connected = CONNECTION.model_copy(update={"status": ConnectionStatus.CONNECTED})
    check(pages.link_over(spent), "has been used", status=410)
    check(pages.link_over(replace(spent, connection=connected)), "connected again", status=410)
    check(pages.link_over(replace(LINK, expired=True)), "has expired", status=410)
    check(pages.link_over(None), "do not know this link", status=404)
