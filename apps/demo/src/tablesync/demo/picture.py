"""Draws the timeline as SVG: a lane for the connection, one per sync, and the moments below."""

from importlib.resources import files
from pathlib import Path

from jinja2 import Environment
from tablesync.demo.timeline import Bar, Timeline

WIDTH = 1_000
LEFT = 150
LANE = 44
_COLOURS = {
    "connected": "#2da44e",
    "revoked": "#cf222e",
    "held": "#f0b4b8",
    "schedule": "#54aeff",
    "manual": "#54aeff",
    "catch_up": "#8250df",
    "interrupted": "#bf8700",
}
_TONES = {"good": "#1a7f37", "bad": "#cf222e", "plain": "#57606a", "mail": "#0969da"}


def draw(timeline: Timeline, path: Path) -> None:
    """Write the picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(timeline), "utf-8")


def render(timeline: Timeline) -> str:
    """Return the picture as SVG text."""
    seconds = max(timeline.seconds(each.at_ms) for each in timeline.moments) + 2
    scale = (WIDTH - LEFT - 20) / seconds
    lanes = list(dict.fromkeys(bar.lane for bar in timeline.bars))
    template = Environment(autoescape=True).from_string(
        files(__package__).joinpath("timeline.svg.jinja").read_text("utf-8")
    )
    return template.render(
        width=WIDTH,
        left=LEFT,
        lane_height=LANE,
        lanes=lanes,
        bars=[_bar(timeline, bar, lanes, scale) for bar in timeline.bars],
        ticks=[(second, LEFT + second * scale) for second in range(0, int(seconds), 10)],
        moments=[
            (
                timeline.seconds(each.at_ms),
                LEFT + timeline.seconds(each.at_ms) * scale,
                each.text,
                _TONES[each.tone],
            )
            for each in timeline.moments
        ],
    )


def _bar(timeline: Timeline, bar: Bar, lanes: list[str], scale: float) -> dict[str, object]:
    start, end = timeline.seconds(bar.from_ms), timeline.seconds(bar.to_ms)
    return {
        "x": LEFT + start * scale,
        "width": max(2.0, (end - start) * scale),
        "lane": lanes.index(bar.lane),
        "colour": _COLOURS[bar.kind],
        "label": bar.label,
        "thin": bar.kind == "held",
    }
