"""Where a fault sends people to look again, and what it says of a change that nobody confirmed."""

import pytest
from fastapi import Request
from tablesync.client import AwayError, UnconfirmedError
from tablesync.dashboard.pages.faults import fault_of
from tablesync.dashboard.pages.making.steps.base import trouble

pytestmark = pytest.mark.unit

UNCONFIRMED = UnconfirmedError("sync-runner", "did not confirm the change", "key")
AWAY = AwayError("sync-runner", "does not answer")


def a_request(method: str, *, referer: str = "", query: str = "") -> Request:
    named = {"host": "dashboard.example", **({"referer": referer} if referer else {})}
    headers = [(name.encode(), value.encode()) for name, value in named.items()]
    scope = {"type": "http", "method": method, "path": "/w/1/syncs", "headers": headers}
    return Request({**scope, "query_string": query.encode(), "scheme": "https"})


@pytest.mark.parametrize("error", [AWAY, UNCONFIRMED])
def test_a_change_is_looked_at_again_on_the_page_of_its_form(error: AwayError) -> None:
    form_page = "https://dashboard.example/w/1/syncs/2/edit?draft=a%20b"
    fault = fault_of(error, a_request("POST", referer=form_page))
    assert fault.path == "/w/1/syncs/2/edit?draft=a%20b"


@pytest.mark.parametrize("referer", ["", "https://[", "https://dashboard.example//evil.example"])
def test_without_a_page_to_go_back_to_it_is_the_first_one(referer: str) -> None:
    assert fault_of(UNCONFIRMED, a_request("POST", referer=referer)).path == "/"


def test_a_page_is_asked_for_again_with_what_was_chosen_on_it() -> None:
    assert fault_of(AWAY, a_request("GET", query="state=held")).path == "/w/1/syncs?state=held"


def test_of_an_unconfirmed_change_no_step_says_that_nothing_was_changed() -> None:
    assert "Nothing was changed" in trouble(AWAY)
    told = trouble(UNCONFIRMED)
    assert "Nothing was changed" not in told
    assert "it may have been done, or not. Look again" in told
