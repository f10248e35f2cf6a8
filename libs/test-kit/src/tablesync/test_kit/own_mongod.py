"""A mongod of one test's own: it can be away, suspended, locked, and told to fail."""

import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import Any

from pymongo import MongoClient
from tablesync.local_stack.mongodb import MongoNode
from tablesync.test_kit import free_port


class OwnMongod:
    """One node, from its making until `end`; its data stay in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._node = MongoNode(folder, free_port())
        self._node.prepare()
        self.uri = self._node.uri
        self._client: MongoClient[dict[str, Any]] = MongoClient(self.uri)
        self.start()

    def start(self) -> None:
        """Start it, with what it had stored; it takes writes when this returns."""
        argv = [*self._node.argv, "--setParameter", "enableTestCommands=1"]
        self._process = Popen(argv, stdout=DEVNULL)
        try:
            self._node.make_ready()
        except BaseException:
            self.end()
            raise

    def kill(self) -> None:
        """Kill it; what it had acknowledged is in its journal."""
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        """Kill it for good."""
        self._client.close()
        self.kill()

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Have it stand still: it takes connections, and answers nothing."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock it as a snapshot of its disk does: it answers, but takes no writes."""
        self._client.admin.command("fsync", lock=True)
        try:
            yield
        finally:
            self._client.admin.command("fsyncUnlock")

    @contextmanager
    def failing(self, commands: Sequence[str], **how: Any) -> Iterator[None]:
        """Have commands fail (`errorCode=13`) or wait (`blockConnection=True, blockTimeMS=…`)."""
        self._fail_command("alwaysOn", data={"failCommands": [*commands], **how})
        try:
            yield
        finally:
            self._fail_command("off")

    def _fail_command(self, mode: str, **data: Any) -> None:
        self._client.admin.command("configureFailPoint", "failCommand", mode=mode, **data)
