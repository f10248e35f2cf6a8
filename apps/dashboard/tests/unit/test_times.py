"""Moments that are typed or kept in an address, and the exact one behind a near one."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import BaseModel
from tablesync.contracts.public_api.connection_uses import ConnectionUse
from tablesync.contracts.public_api.connections import ConnectionView
from tablesync.dashboard.shown.connections.subject import Subject
from tablesync.dashboard.shown.times import Clock

BERLIN = Clock(datetime(2026, 11, 27, 12, tzinfo=UTC), ZoneInfo("Europe/Berlin"))
NINE = datetime(2026, 11, 27, 9, tzinfo=UTC)


@pytest.mark.parametrize("told", ["2026-11-27T10:00", NINE.isoformat()])
def test_a_typed_moment_is_local_and_one_of_an_address_has_its_zone(told: str) -> None:
    assert BERLIN.read(told) == NINE
    assert BERLIN.typed(NINE) == "2026-11-27T10:00"


@pytest.mark.parametrize("told", ["", "soon", "0001-01-01T00:00+14:00", "9999-12-31T23:59-12:00"])
def test_what_is_no_moment_is_none(told: str) -> None:
    assert BERLIN.read(told) is None
    assert BERLIN.typed(None) == ""


def test_a_fact_of_a_card_keeps_the_exact_moment() -> None:
    connection = ConnectionView.model_validate(example(ConnectionView))
    known = {**example(ConnectionUse), "last_success_at": NINE, "next_slot_at": None}
    subject = Subject(connection, ConnectionUse.model_validate(known), BERLIN)
    assert subject.last_success.moment == NINE
    assert subject.next_run.moment is None
    assert Subject(connection, None, BERLIN).last_success.moment is None


def example(model: type[BaseModel]) -> Any:
    """Return the contract's own example."""
    return model.model_json_schema()["examples"][0]
