"""What is wrong with a form as a whole stands above it, on whichever page it is."""

from datetime import UTC, datetime
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError
from tablesync.client.errors import FieldError, InvalidError, Problem
from tablesync.contracts.public_api.people import NewWorkspace
from tablesync.dashboard.shown.times import Clock
from tablesync.dashboard.web.forms import Form
from tablesync.dashboard.web.rendering import Rendering

pytestmark = pytest.mark.unit

CLOCK = Clock(datetime(2026, 11, 26, 14, 2, tzinfo=UTC), ZoneInfo("Europe/Berlin"))
WHO = SimpleNamespace(name="Ada", email="ada@example.com", role=None, workspace_name=None)


def the_page(form: Form) -> str:
    return Rendering("1").text(
        "pages/workspaces.html",
        page=None,
        clock=CLOCK,
        csrf="",
        flash=None,
        here="/workspaces",
        sandbox=False,
        who=WHO,
        workspaces=(),
        invitations=(),
        form=form,
    )


def test_a_fault_of_no_field_stands_above_the_form() -> None:
    assert "The name is taken" in the_page(Form().with_error("", "The name is taken"))
    assert "This was not done" not in the_page(Form().with_error("name", "is too long"))


def test_what_is_too_long_is_told_in_words_of_people() -> None:
    with pytest.raises(ValidationError) as caught:
        NewWorkspace.model_validate({"name": "n" * 201})
    assert Form().unreadable(caught.value, {"name": "name"}).errors == {
        "name": "Use at most 200 characters."
    }


def test_all_that_is_wrong_with_a_field_stands_beside_it() -> None:
    found = [FieldError("base_id", "is gone", "Choose another."), FieldError("x", "is odd", "")]
    problem = Problem(422, "invalid", "Two faults.", [*found, FieldError("y", "is old", "")])
    shown = Form().refused(InvalidError("scheduler", problem), {"base_id": "table"})
    assert shown.errors == {"table": "Is gone. Choose another.", "": "Is odd. Is old."}
    bare = InvalidError("scheduler", Problem(422, "invalid", "It cannot be."))
    assert Form().refused(bare, {}).errors == {"": "It cannot be."}
