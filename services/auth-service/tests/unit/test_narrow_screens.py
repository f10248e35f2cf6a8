"""Pages on a phone: none is wider than the screen, and labels, dates and states stay whole."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from fastapi.responses import HTMLResponse
from playwright.async_api import Browser
from tablesync.auth_service.api.pages import Again, Pages
from tablesync.auth_service.connections import Connection
from tablesync.auth_service.consent.authorizations import Completion
from tablesync.auth_service.consent.connect import Outcome
from tablesync.auth_service.consent.findings import another_account, bases_left_out
from tablesync.auth_service.consent.reconnect_links import ReconnectLink
from tablesync.auth_service.consent.requests import ConsentRequest
from tablesync.auth_service.identity.invitation import Invitation, InvitationStatus
from tablesync.auth_service.identity.members import Operator
from tablesync.auth_service.identity.workspaces import Workspace
from tablesync.auth_service.providers.served import Providers
from tablesync.contracts import Account, ConnectionCause, ConnectionStatus, Provider
from tablesync.contracts.internal_api import AffectedSync, AffectedSyncs, WrittenBase
from tablesync.contracts.public_api.connections import AuthorizationStatus
from tablesync.service_kit.http.user_auth import OperatorRole
from tablesync.test_kit.browser import cut_words, width_of, words_outside

NOW = datetime(2026, 11, 22, 19, 30, tzinfo=UTC)
PHONE, TABLET = 360, 800
LONG = "Northern" * 10
WORDS = "Every deal that the northern sales team closed in the year before the one past."
SHORT = "acme.test"
# Dates, labels and states are our own words; names are not, and may have to be cut.
OURS = "dt, h2, .badge, .state, button"


def pages_about(name: str, providers: Providers) -> Iterator[tuple[str, HTMLResponse]]:
    """Yield each page in which names stand, with what it is."""
    pages, hubspot = Pages(), providers.of(Provider.HUBSPOT)
    workspace = Workspace(id="ws_1", name=name)
    person = Operator(id="op_1", email=f"{name.replace(' ', '.')}@acme.test", name=name)
    account = Account(id="7" * 40, name=name, email=person.email)
    lost = a_connection(account)
    link = ReconnectLink(lost, NOW, spent=False, expired=False)
    syncs = AffectedSyncs(items=tuple(a_sync(name, missed) for missed in (0, 1_234)), total=40)
    yield "reconnect", pages.reconnect(hubspot, link, workspace, syncs, "a-token")
    for connection in (None, lost):
        asked = ConsentRequest(workspace, person, connection)
        yield "consent", pages.consent(hubspot, asked, "a-token")
    whole = lost.model_copy(update={"status": ConnectionStatus.CONNECTED, "cause": None})
    partial = whole.model_copy(update={"missing_scopes": ("crm.objects.deals.read",) * 4})
    new = Completion(sequence=whole.sequence)
    renewed = Completion(was=ConnectionStatus.CONNECTED, sequence=whole.sequence)
    bases = bases_left_out([a_base(name, syncs) for syncs in (1, 1_234)] * 11)
    again = Again("aut_1", "a-token")
    for outcome in (
        Outcome(AuthorizationStatus.COMPLETED, lost),
        Outcome(AuthorizationStatus.COMPLETED, whole),
        Outcome(AuthorizationStatus.COMPLETED, whole, completion=new),
        Outcome(AuthorizationStatus.COMPLETED, whole, completion=renewed),
        Outcome(AuthorizationStatus.COMPLETED, partial),
        Outcome(AuthorizationStatus.COMPLETED, partial, bases, renewed),
        Outcome(AuthorizationStatus.DENIED, whole),
        Outcome(AuthorizationStatus.REFUSED, lost, another_account(account, account)),
    ):
        yield "outcome", pages.outcome(hubspot, outcome, workspace, again)
    yield "too late", pages.too_late(hubspot, lost, 400, again)
    yield "link over", pages.link_over(replace(link, spent=True))
    for status, is_member in itertools.product(InvitationStatus, (True, False)):
        invitation = an_invitation(name, person.email, status)
        shown = pages.invitation(
            invitation, workspace, person, is_open=True, is_member=is_member, form_token="a-token"
        )
        yield f"invitation, {status}", shown


def a_connection(account: Account) -> Connection:
    return Connection(
        id="con_1",
        workspace_id="ws_1",
        provider=Provider.HUBSPOT,
        account=account,
        grant_version=1,
        status=ConnectionStatus.REVOKED,
        cause=ConnectionCause.APP_UNINSTALLED,
        owner_id="op_1",
        changed_at=NOW,
    )


def a_sync(name: str, missed: int) -> AffectedSync:
    gap = {"from": NOW, "slots_missed": missed} if missed else None
    body = {"sync_id": "syn_1", "name": name, "object": "deals", "status": "held", "gap": gap}
    return AffectedSync.model_validate(body)


def a_base(name: str, syncs: int) -> WrittenBase:
    return WrittenBase(base_id="app" + "7" * 14, name=name, syncs=syncs, sync_names=(name,) * 5)


def an_invitation(name: str, email: str, status: InvitationStatus) -> Invitation:
    return Invitation(
        id="inv_1",
        workspace_id="ws_1",
        email=email,
        name=name,
        role=OperatorRole.OPERATOR,
        invited_by="op_1",
        status=status,
        expires_at=NOW,
    )


@pytest.mark.parametrize("name", [LONG, WORDS, SHORT])
@pytest.mark.parametrize("width", [PHONE, TABLET])
async def test_pages_fit_the_screen_and_cut_no_words_of_ours(
    browser: Browser, providers: Providers, width: int, name: str
) -> None:
    page = await browser.new_page(viewport={"width": width, "height": 800})
    for kind, response in pages_about(name, providers):
        await page.set_content(bytes(response.body).decode())
        assert await width_of(page) <= width, kind
        assert await words_outside(page, "main, ul.syncs, .versus div") == [], kind
        assert await cut_words(page, OURS) == [], kind


@pytest.mark.parametrize("name", [WORDS, SHORT])
async def test_words_of_names_and_dates_stay_whole_where_a_line_holds_them(
    browser: Browser, providers: Providers, name: str
) -> None:
    page = await browser.new_page(viewport={"width": PHONE, "height": 800})
    for kind, response in pages_about(name, providers):
        await page.set_content(bytes(response.body).decode())
        cut = await cut_words(page, "h1, dd, ul.syncs span")
        assert [each for each in cut if "@" not in each] == [], kind
