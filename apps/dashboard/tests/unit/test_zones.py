"""The time zone of the pages: the browser's own, or one that somebody has chosen there."""

from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import Request
from tablesync.dashboard.shown.times import zone_names
from tablesync.dashboard.web.cookies import Cookies
from tablesync.dashboard.web.desk import Desk

pytestmark = pytest.mark.unit

BROWSERS = "tablesync_zone=Europe/Berlin"


def zone_of(cookie: str) -> str:
    """Return the zone in which a browser with these cookies is told times."""
    nothing: Any = SimpleNamespace()
    desk = Desk(nothing, nothing, nothing, Cookies(secure=False), nothing)
    request = Request({"type": "http", "headers": [(b"cookie", cookie.encode())]})
    return desk.clock(request).zone.key


def test_the_zone_that_was_chosen_comes_before_that_of_the_browser() -> None:
    assert zone_of(BROWSERS) == "Europe/Berlin"
    assert zone_of(f"{BROWSERS}; tablesync_chosen_zone=Asia/Tokyo") == "Asia/Tokyo"
    assert zone_of("tablesync_chosen_zone=Asia/Tokyo") == "Asia/Tokyo"
    assert zone_of("") == zone_of("tablesync_chosen_zone=Nowhere") == "UTC"


def test_zones_are_offered_by_places_that_each_exist() -> None:
    offered = zone_names()
    assert {"Europe/Berlin", "America/New_York", "Asia/Kolkata"} <= set(offered)
    assert not {each for each in offered if each.startswith(("Etc/", "posix/"))}
    assert all(zone_of(f"tablesync_chosen_zone={each}") == each for each in offered)
