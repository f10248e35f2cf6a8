"""What is wrong with a form as a whole stands above it, on whichever page it is."""

from datetime import UTC, datetime
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
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
