"""The stack from the command line: `python -m tablesync.local_stack up | sandbox | fetch`."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table
from tablesync.local_stack import earlier_platform, kafka
from tablesync.local_stack.info import StackInfo
from tablesync.local_stack.keys import DASHBOARD
from tablesync.local_stack.one_line import refused_in_one_line, told_in_one_line
from tablesync.local_stack.plan import PORTS, setting_of
from tablesync.local_stack.progress import print_progress
from tablesync.local_stack.stack import LocalStack

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
LAST_PORT = 65_535
# Where the sandbox is by itself, and so wherever somebody starts it alone.
SANDBOX_PORTS = {"sandbox": 8900, "smtp": 8925}

OnceUp = Callable[[StackInfo], None]


def do_nothing(_: StackInfo) -> None:
    """Leave a platform as it is."""


@app.command()
def up() -> None:
    """Start the platform where it was left, print where it is, and keep it up until Ctrl-C."""
    keep_platform_up()


def keep_platform_up(once_up: OnceUp = do_nothing) -> None:
    """Do what `up` does, and something more as soon as the platform is there."""
    with told_in_one_line(), refused_in_one_line():
        stack = platform(Path.cwd(), fresh=os.environ.get("FRESH", "") not in ("", "0"))
        stack.refuse_to_share()
        if stack.is_new:
            earlier_platform.refuse(stack.plan.given)
    print_progress(
        "Starting anew: nothing but .local/keys is kept"
        if stack.is_new
        else f"Going on where the last start ended, from {stack.folder}; FRESH=1 begins anew"
    )
    keep_up(stack, stack.root / ".local" / "up.json", once_up)


def platform(root: Path, *, fresh: bool) -> LocalStack:
    """Make the stack of all programs, on the Kafka and the MongoDB that the environment names.

    It goes on from what its last start left, unless it is to be `fresh`.
    """
    bootstrap = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    return LocalStack(
        root,
        kafka_bootstrap=bootstrap,
        mongodb_uri=os.environ.get("MONGODB_URI"),
        topic_prefix=os.environ.get("KAFKA_TOPIC_PREFIX", ""),
        database_prefix=os.environ.get("MONGODB_DATABASE_PREFIX", ""),
        ports=ports_from_environment(),
        embedded_broker=not bootstrap and kafka.without_maven(root),
        fresh=fresh,
        keep=True,
        restart=True,
        progress=print_progress,
    )


@app.command()
def sandbox() -> None:
    """Start the sandbox alone and keep it up until Ctrl-C."""
    with told_in_one_line(), refused_in_one_line():
        ports = SANDBOX_PORTS | ports_from_environment()
        stack = LocalStack(
            Path.cwd(), "sandbox", programs=("sandbox",), ports=ports, progress=print_progress
        )
        stack.refuse_to_share()
    keep_up(stack)


@app.command()
def fetch() -> None:
    """Fetch what the stack needs and the machine can get, so that no test waits for it."""
    if (lacking := kafka.missing(Path.cwd())) is not None:
        print_progress(str(lacking))
    else:
        kafka.fetch_jars(Path.cwd(), print_progress)


def ports_from_environment() -> dict[str, int]:
    """Read ports that a person has set, such as AUTH_SERVICE_PORT or KAFKA_PORT.

    Raises:
        ValueError: one of them is no port; it names the variable and the remedy.

    """
    names = {program: setting_of(program) for program in PORTS}
    given = {program: name for program, name in names.items() if os.environ.get(name)}
    return {program: _port(name, os.environ[name]) for program, name in given.items()}


def _port(name: str, text: str) -> int:
    port = int(text) if text.isascii() and text.isdigit() else 0
    if not 0 < port <= LAST_PORT:
        remedy = f"set it to a number from 1 to {LAST_PORT}, or unset it"
        raise ValueError(f"{name} is {text!r}, which is no port; {remedy}")
    return port


def keep_up(stack: LocalStack, file: Path | None = None, once_up: OnceUp = do_nothing) -> None:
    """Run a stack until Ctrl-C or SIGTERM; `file` says where it is for as long as it is there."""
    for ending in (signal.SIGTERM, signal.SIGINT):  # a shell's background job ignores SIGINT
        signal.signal(ending, signal.default_int_handler)
    try:
        with told_in_one_line(), stack:
            show(stack)
            with written(stack.info, file):
                once_up(stack.info)
                threading.Event().wait()
    except KeyboardInterrupt:
        print_progress("Stopped.")


@contextmanager
def written(info: StackInfo, file: Path | None) -> Iterator[None]:
    """Have a file say where a stack is for as long as it is there."""
    if file is None:
        yield
        return
    info.write(file)
    try:
        yield
    finally:
        file.unlink(missing_ok=True)


def show(stack: LocalStack) -> None:
    """Print where everything is."""
    table = Table(title="TableSync is up; Ctrl-C stops it", title_justify="left")
    table.add_column("part")
    table.add_column("address", overflow="fold")
    for part, address in addresses(stack.info, stack.plan.programs):
        table.add_row(part, address)
    Console().print(table)


def addresses(info: StackInfo, programs: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return each part's name and address, as a person reads them."""
    # What people open comes first.
    rows = sorted(info.urls.items(), key=lambda each: each[0] != DASHBOARD)
    if info.mailbox:
        rows.append(("mailbox", info.mailbox))
    if set(programs) == {"sandbox"}:
        return rows
    users = ", ".join(each["email"] for each in info.users)
    return [
        *rows,
        ("Kafka" if info.broker == "kafka" else "broker in memory", info.kafka),
        ("MongoDB", info.mongodb),
        ("users", users),
        ("API token", "in .local/up.json"),
        ("what next", "docs/first-sync.md, in a second terminal"),
    ]


if __name__ == "__main__":
    app()
