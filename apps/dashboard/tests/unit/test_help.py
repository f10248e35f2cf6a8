"""The help: each page can be read, and whatever is shown has one."""

import ast
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from dashboard_examples import DASHBOARD, a_desk
from fastapi import FastAPI
from tablesync.contracts import ConnectionCause, HoldKind, RunFailureCause
from tablesync.contracts.public_api.runs import RunView
from tablesync.contracts.specs import NOT_GRANTED
from tablesync.dashboard.help import routes as help_pages
from tablesync.dashboard.help.manual import INDEX, HelpPage, Manual
from tablesync.dashboard.pages import faults
from tablesync.dashboard.shown import badges
from tablesync.dashboard.shown import help as helping
from tablesync.dashboard.shown.badges import Badge

REPOSITORY = Path(__file__).parents[4]
MANUAL = Manual()
STORY = ("<strong>What happened.</strong>", "<strong>What TableSync did.</strong>", "do.</strong>")
# Pages that explain a thing, and nothing that has happened.
TOPICS = {INDEX, "problems", "api-tokens", "members-and-roles"}
STATES = list(
    dict.fromkeys(
        (
            badges.SIGN_IN_UNDER_WAY,
            *badges.CONNECTIONS.values(),
            *badges.SYNCS.values(),
            *badges._RUNS.values(),
            Badge("Finished with 3 rejected", "warn", "warning"),
        )
    )
)
FAILED_RUN = {
    "id": "run_1",
    "sync_id": "syn_1",
    "trigger": "schedule",
    "slot": None,
    "status": "failed",
    "counts": {"read": 3, "written": 3},
    "cause": "provider",
    "summary": "HubSpot did not answer.",
    "gap": None,
    "requested_at": "2026-11-27T09:00:00Z",
    "started_at": None,
    "ended_at": None,
    "coalesced_slots": 0,
    "check_everything": False,
    "found": None,
}
# What the kit makes of HTTP errors of the framework, by their status.
OF_THE_FRAMEWORK = {"no-such-route", "method-not-allowed", "http-error"}
TYPE_AT = {"Problem": 1, "conflict": 0, "_bad": 1}


def page_of(path: str) -> HelpPage | None:
    name = path.removeprefix(helping.ROOT).removeprefix("/")
    return MANUAL.page(name or INDEX)


def links(page: HelpPage) -> Iterator[str]:
    return (each.group(1) for each in re.finditer(r'href="([^"]+)"', page.html))


@pytest.mark.parametrize("name", MANUAL.names)
def test_a_page_has_a_title_a_story_and_links_that_lead_somewhere(name: str) -> None:
    page = MANUAL.page(name)
    assert page
    assert page.text.startswith("# ")
    assert page.title
    assert name in TOPICS or all(each in page.html for each in STORY)
    assert [each for each in links(page) if not page_of(each)] == []
    assert all(each not in page.html for each in ("](", "&lt;", "<th></th>"))


def test_each_page_can_be_reached_from_the_first_one() -> None:
    reached, to_read = {INDEX}, [INDEX]
    while to_read:
        page = MANUAL.page(to_read.pop())
        assert page
        found = {each.removeprefix(f"{helping.ROOT}/") for each in links(page)} - reached
        reached |= found
        to_read += found
    assert sorted(reached) == MANUAL.names


@pytest.mark.parametrize("badge", STATES, ids=lambda each: each.word)
def test_each_badge_has_a_page(badge: Badge) -> None:
    assert page_of(helping.of_badge(badge))
    assert helping.of_badge(badge) != ""


@pytest.mark.parametrize("cause", ConnectionCause)
def test_each_cause_of_a_loss_has_a_page_of_its_own(cause: ConnectionCause) -> None:
    path = helping.of_cause(cause)
    assert page_of(path)
    assert path.endswith(cause.replace("_", "-"))


@pytest.mark.parametrize("kind", [*HoldKind, NOT_GRANTED])
def test_each_kind_of_waiting_has_a_page(kind: str) -> None:
    assert helping.of_hold(kind).startswith("/help/waiting/")
    assert page_of(helping.of_hold(kind))


def test_what_was_not_granted_is_told_from_what_is_missing() -> None:
    assert helping.of_hold("resource", not_granted=True) == "/help/waiting/not-granted"
    assert helping.of_hold("resource") == "/help/waiting/resource"


@pytest.mark.parametrize("cause", RunFailureCause)
def test_each_cause_of_a_failed_run_has_a_page(cause: RunFailureCause) -> None:
    assert helping.of_failure(cause) != ""
    assert page_of(helping.of_failure(cause))


def test_what_a_newer_service_names_has_no_page_and_is_no_fault() -> None:
    assert helping.of_cause("of-tomorrow") == helping.of_cause(None) == ""
    assert helping.of_hold("of-tomorrow") == helping.of_failure("of-tomorrow") == ""
    assert helping.of_badge(Badge("Of tomorrow", "idle", "dashes")) == ""
    assert helping.of_problem("about:blank") == ""


def test_a_run_is_explained_by_its_failure_or_by_what_it_rejected() -> None:
    run = RunView.model_validate(FAILED_RUN)
    assert helping.of_run(run) == "/help/failing/provider"
    done = {"status": "succeeded", "cause": None}
    rejected = {**FAILED_RUN, **done, "counts": {"read": 3, "written": 1, "rejected": 2}}
    assert helping.of_run(RunView.model_validate(rejected)) == "/help/rejected-records"
    assert helping.of_run(RunView.model_validate({**FAILED_RUN, **done})) == ""


@pytest.mark.parametrize("provider", ["airtable", "hubspot"])
def test_each_provider_that_exists_has_a_page(provider: str) -> None:
    assert page_of(helping.of_provider(provider))


def test_each_problem_that_a_service_names_has_a_page_and_no_other() -> None:
    named = OF_THE_FRAMEWORK | {*_problems(REPOSITORY)}
    assert len(named) > 30
    pages = {
        each.removeprefix("problems/") for each in MANUAL.names if each.startswith("problems/")
    }
    assert pages == named
    for name in named:
        page = page_of(helping.of_problem(f"urn:tablesync:problem:{name}"))
        assert page
        assert f"`urn:tablesync:problem:{name}`" in page.text


@pytest.mark.parametrize("name", ["", "nowhere", "../settings", "causes", "causes/", "index.md"])
def test_what_is_no_page_is_none(name: str) -> None:
    assert MANUAL.page(name) is None


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """The help as somebody sees it who is not signed in; no service is there."""
    app = FastAPI()
    async with httpx.AsyncClient(trust_env=False) as http:
        desk = a_desk(http, tmp_path)
        faults.install(app, desk, {})
        app.routes.extend(help_pages.routes(desk).routes)
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=DASHBOARD) as client:
            yield client


async def test_anybody_may_read_the_help(browser: httpx.AsyncClient) -> None:
    for path in ("/help", "/help/disconnected", "/help/problems/sync-held"):
        answer = await browser.get(path)
        assert answer.status_code == 200, path
        assert answer.text.count("<h1>") == 1
    assert "Something that the sync needs is not there" in answer.text


@pytest.mark.parametrize("path", ["/help/nowhere", "/help/causes", "/help/problems/none"])
async def test_what_is_no_page_is_answered_with_the_page_for_that(
    browser: httpx.AsyncClient, path: str
) -> None:
    answer = await browser.get(path)
    assert answer.status_code == 404
    assert "There is no such page here" in answer.text


def _problems(repository: Path) -> Iterator[str]:
    """Yield the types that the code gives to problems, as texts or by the names of constants."""
    trees = [
        ast.parse(file.read_text("utf-8"))
        for part in ("libs/contracts", "libs/service-kit", "services/*")
        for file in repository.glob(f"{part}/src/**/*.py")
    ]
    constants = dict(each for tree in trees for each in _constants(tree))
    for call in (node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)):
        at = TYPE_AT.get(call.func.id if isinstance(call.func, ast.Name) else _attribute(call))
        match call.args[at] if at is not None and len(call.args) > at else None:
            case ast.Constant(value=str(name)):
                yield name
            case ast.Name(id=name) if name in constants:
                yield constants[name]


def _attribute(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _constants(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(value))):
                yield name, value
