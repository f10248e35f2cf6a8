"""What the demo's spectator sees: the moments as they come, and a progress bar a sync."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from tablesync.demo.timeline import Timeline, Tone

_STYLES = {Tone.GOOD: "green", Tone.BAD: "bold red", Tone.PLAIN: "white", Tone.MAIL: "cyan"}
_SIGNS = {Tone.GOOD: "✔", Tone.BAD: "✘", Tone.PLAIN: "·", Tone.MAIL: "✉"}


class Stage:
    """Prints the timeline live; on a terminal the bars stay at the bottom."""

    def __init__(self, timeline: Timeline, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        self.timeline = timeline
        self._progress = Progress(
            TextColumn("{task.description:<24}"),
            BarColumn(bar_width=40),
            MofNCompleteColumn(),
            TextColumn("{task.fields[state]}"),
            console=self.console,
        )
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def say(self, text: str, tone: Tone = Tone.PLAIN) -> None:
        """Record a moment and print it."""
        moment = self.timeline.add(text, tone)
        seconds = self.timeline.seconds(moment.at_ms)
        self.console.print(
            f"[dim]{seconds:6.1f} s[/] [{_STYLES[tone]}]{_SIGNS[tone]} {text}[/]", soft_wrap=True
        )

    def show(self, text: str, title: str) -> None:
        """Print something received, such as a mail, in a frame."""
        self.console.print(Panel(text, title=title, border_style="cyan", width=100))

    def progress(self, name: str, done: int, total: int | None, state: str) -> None:
        """Move a sync's bar; it appears with its first move."""
        if name not in self._bars:
            self._bars[name] = self._progress.add_task(name, total=total, state=state)
        self._progress.update(self._bars[name], completed=done, total=total, state=state)
