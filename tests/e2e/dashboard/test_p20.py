"""P20 through the pages: what is another workspace's is not there, on any route that exists."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

import pytest
from fastapi.routing import APIRoute
from playwright.async_api import APIResponse, Browser
from tablesync.dashboard.bootstrap import build
from tablesync.dashboard.settings import Settings
from tablesync.local_stack import LocalStack
from tablesync.test_kit import SandboxControl

from .everything import INVITED, Full
from .visitor import Visitor, visiting

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

# What of Ada's would be known by sight.
ADAS = ("acme.test", "ÜberlangÜberlang", INVITED)
OK, NOT_FOUND = 200, 404
WORKSPACE = "/w/{workspace_id}"
# Ids that pages take in their query: of what is another workspace's they tell nothing either.
ASKED_FOR = ("/connected?authorization={refused_id}", "/syncs/{sync_id}/dry-run?id={dry_run_id}")
# What all forms of ours may say; each takes what it knows.
SAID = {"name": "Bob's", "role": "viewer", "action": "delete", "email": "bob@example.test"}


class Route(NamedTuple):
    """One method of one address."""

    method: str
    path: str

    @property
    def is_of_one_thing(self) -> bool:
        """Whether its address has an id, which would be another workspace's."""
        return "_id}" in self.path


async def test_p20_what_is_another_workspaces_is_not_there(
    full: Full, browser: Browser, stack: LocalStack, sandbox: SandboxControl
) -> None:
    ada, there = full
    before = await state_of(ada)
    found: list[str] = []
    asked = 0
    async with visiting(stack, browser, sandbox, "bob") as bob:
        await bob.has_a_workspace("Bob's own")
        csrf = await bob.csrf()
        for route in routes(stack):
            # In a workspace of his own there is no such thing; of Ada's he is no member at all.
            own = (bob.workspace_id,) if route.is_of_one_thing else ()
            for workspace_id in (ada.workspace_id, *own):
                url = f"{bob.url}/w/{workspace_id}{there.path(route.path)}"
                answer = await ask(bob, route.method, url, csrf)
                found += [f"{route.method} {url}: {each}" async for each in told_by(answer)]
                asked += 1
    assert found == []
    assert asked > 100
    assert await state_of(ada) == before


def routes(stack: LocalStack) -> Iterator[Route]:
    """Return all that there is of a workspace, from the dashboard's own table of routes."""
    for route in build(_settings(stack)).app.routes:
        if isinstance(route, APIRoute) and route.path.startswith(WORKSPACE):
            for method in sorted(route.methods):
                yield Route(method, route.path.removeprefix(WORKSPACE))
    yield from (Route("GET", each) for each in ASKED_FOR)


def _settings(stack: LocalStack) -> Settings:
    """Return settings with which a dashboard has all routes; it is asked for nothing else."""
    nowhere = stack.info.urls["dashboard"]
    urls = ("dashboard_public", "auth_oidc_issuer", "auth_service", "auth_public")
    also = ("scheduler", "sync_runner", "notifier", "sandbox")
    return Settings.model_validate(
        {
            **{f"{each}_url": nowhere for each in (*urls, *also)},
            "dashboard_signing_key_file": stack.plan.keys.signing_key_file,
            "kafka_bootstrap_servers": "127.0.0.1:9092",
            "http_port": 1,
        }
    )


async def ask(bob: Visitor, method: str, url: str, csrf: str) -> APIResponse:
    """Ask for a page, or send it the form that it takes."""
    if method == "GET":
        return await bob.context.request.get(url, max_redirects=0)
    form = {"csrf": csrf, "once": url, **SAID}
    headers = {"Origin": bob.url}
    return await bob.context.request.post(url, form=form, headers=headers, max_redirects=0)


async def told_by(answer: APIResponse) -> AsyncIterator[str]:
    """Return what an answer tells of a thing that should not be there."""
    text = await answer.text()
    for each in ADAS:
        if each in text:
            yield f"it tells of {each}"
    # A stream knows no status: what it says at once is that it is over.
    is_over = answer.status == OK and text.endswith("event: ended\ndata: \n\n")
    if answer.status != NOT_FOUND and not ("/live/" in answer.url and is_over):
        yield f"{answer.status} {answer.headers.get('location', '')}"


async def state_of(ada: Visitor) -> dict[str, Any]:
    """Return all that the forms could have changed."""
    async with ada.tablesync as tablesync:
        people = tablesync.members
        return {
            "connections": [
                (each.id, each.name, each.status) async for each in tablesync.connections.all()
            ],
            "syncs": [(each.id, each.name, each.paused) async for each in tablesync.syncs.all()],
            "members": [(each.operator_id, each.role) async for each in people.all()],
            "invitations": [(each.id, each.expires_at) async for each in people.invitations()],
            "tokens": [each.id async for each in tablesync.api_tokens.all()],
            "sessions": {each.id async for each in tablesync.sessions.all()},
            "sign-ins": [each.id for each in await tablesync.authorizations.pending()],
        }
