"""`make demo`: sets everything up, plays the story, shows it, and says whether it held."""

import asyncio
import json
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from tablesync.demo.api import Api
from tablesync.demo.console import Stage
from tablesync.demo.measures import lay_out, measure
from tablesync.demo.person import Person
from tablesync.demo.picture import draw
from tablesync.demo.report import Report
from tablesync.demo.story import Story
from tablesync.demo.timeline import Timeline, Tone
from tablesync.demo.watch import Watch
from tablesync.local_stack import LocalStack, StackInfo, without_maven
from tablesync.local_stack.one_line import told_in_one_line
from tablesync.local_stack.progress import print_progress
from tablesync.local_stack.sandbox_control import SandboxControl

app = typer.Typer(add_completion=False)

# Slots seconds apart, for the occasion; in real life a sync is due every minute at most.
HURRY = {
    "scheduler": {
        "SCHEDULER_MIN_INTERVAL_SECONDS": "1",
        "SCHEDULER_CATCH_UP_JITTER_SECONDS": "1",
    }
}


@app.command()
def main(
    against: Annotated[
        Path | None, typer.Option(help="An up.json of a stack that runs already.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where report and picture go.")] = Path(".local/demo"),
) -> None:
    """Play the story; exit code 0 only if all of it held."""
    if against is not None:
        info = StackInfo(**json.loads(against.read_text("utf-8")))
        report = asyncio.run(play(info, out))
    else:
        with ExitStack() as running:
            with told_in_one_line():
                stack = running.enter_context(_stack())
            report = asyncio.run(play(stack.info, out))
    raise typer.Exit(1 if report.failures() else 0)


def _stack() -> LocalStack:
    """Make a stack that begins empty; without Maven, on a broker in memory."""
    return LocalStack(
        Path.cwd(),
        "demo",
        env=HURRY,
        fresh=True,
        embedded_broker=without_maven(Path.cwd()),
        progress=print_progress,
    )


async def play(info: StackInfo, out: Path) -> Report:
    """Play the story against a running stack; write and return the report."""
    (out / "report.json").unlink(missing_ok=True)  # a story that breaks off leaves no old report
    timeline = Timeline()
    api = Api(info.urls, info.api_token)
    assert info.sandbox, "the story needs the sandbox"
    async with SandboxControl(info.sandbox) as sandbox:
        person = Person(api, sandbox)
        with Stage(timeline) as stage:
            story = Story(api, person, sandbox, stage)
            watch = Watch(info.kafka, story.on_event)
            await watch.start()
            try:
                await story.play()
                report = await measure(story, watch, timeline, info.broker)
                await lay_out(story, watch, timeline)
            finally:
                await watch.stop()
                await person.close()
                await api.close()
            _tell(stage, report)
    draw(timeline, out / "timeline.svg")
    report.write(out / "report.json")
    stage.console.print(f"[dim]report {out / 'report.json'}, picture {out / 'timeline.svg'}[/]")
    return report


def _tell(stage: Stage, report: Report) -> None:
    """Say what was measured, and what did not hold."""
    stage.console.print_json(report.model_dump_json())
    for failure in report.failures():
        stage.say(f"did not hold: {failure}", Tone.BAD)
    if not report.failures():
        stage.say("the story held from beginning to end", Tone.GOOD)


if __name__ == "__main__":
    app()
