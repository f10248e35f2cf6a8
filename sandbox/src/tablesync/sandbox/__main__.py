"""Start the sandbox: `python -m tablesync.sandbox`."""

import asyncio
import contextlib
import signal
import sys

from pydantic import ValidationError

from .app import serving
from .keeping import CannotReadKeptError
from .settings import Settings


async def _run(settings: Settings) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    async with serving(settings):
        sys.stdout.write(f"sandbox: {settings.base_url}, mail on port {settings.smtp_port}\n")
        sys.stdout.flush()
        await ended.wait()


def main() -> int:
    """Serve until SIGTERM; return the exit code."""
    try:
        settings = Settings()
    except ValidationError as error:
        for trouble in error.errors():
            name = "_".join(map(str, trouble["loc"])).upper()
            sys.stderr.write(f"SANDBOX_{name}: {trouble['msg']}\n")
        return 2
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_run(settings))
    except CannotReadKeptError as error:
        sys.stderr.write(f"SANDBOX_STATE_FILE: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
