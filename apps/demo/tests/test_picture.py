"""The picture is well-formed SVG that shows what the timeline holds."""

from xml.etree import ElementTree

import pytest
from tablesync.demo.picture import render
from tablesync.demo.timeline import Bar, Timeline, Tone

pytestmark = pytest.mark.unit

SVG = "{http://www.w3.org/2000/svg}"


def test_every_lane_bar_and_moment_is_drawn() -> None:
    timeline = Timeline(started_ms=0.0)
    timeline.add("connected: Ada & <Søn>", Tone.GOOD, at_ms=1_000.0)
    timeline.add("lost", Tone.BAD, at_ms=9_000.0)
    timeline.bars += [
        Bar("connection", "connected", 0, 9_000, "Connected"),
        Bar("contacts", "catch_up", 9_000, 12_000),
    ]
    picture = ElementTree.fromstring(render(timeline))
    texts = [each.text for each in picture.iter(f"{SVG}text")]
    assert {"connection", "contacts", "connected: Ada & <Søn>", "lost"} <= set(texts)
    colours = {each.get("fill") for each in picture.iter(f"{SVG}rect")}
    assert {"#2da44e", "#8250df"} <= colours
