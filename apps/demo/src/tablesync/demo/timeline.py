"""The story as it happened: moments, runs and the time that a connection was lost."""

import time
from dataclasses import dataclass, field
from enum import StrEnum


class Tone(StrEnum):
    """How a moment feels; the console and the picture colour by it."""

    GOOD = "good"
    BAD = "bad"
    PLAIN = "plain"
    MAIL = "mail"


@dataclass(frozen=True)
class Moment:
    """Something that happened, at unix milliseconds."""

    at_ms: float
    text: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True)
class Bar:
    """A stretch of time in a lane: a run, a hold, a state of the connection."""

    lane: str
    kind: str
    from_ms: float
    to_ms: float
    label: str = ""


@dataclass
class Timeline:
    """Everything that the picture shows."""

    started_ms: float = field(default_factory=lambda: time.time() * 1000)
    moments: list[Moment] = field(default_factory=list)
    bars: list[Bar] = field(default_factory=list)

    def add(self, text: str, tone: Tone = Tone.PLAIN, at_ms: float | None = None) -> Moment:
        """Record a moment; now, unless told when."""
        moment = Moment(at_ms if at_ms is not None else time.time() * 1000, text, tone)
        self.moments.append(moment)
        return moment

    def seconds(self, at_ms: float) -> float:
        """Turn unix milliseconds into seconds since the story began."""
        return (at_ms - self.started_ms) / 1000
