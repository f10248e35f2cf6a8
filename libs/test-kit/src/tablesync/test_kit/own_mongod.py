"""A mongod of one test's own: away, suspended, locked, told to fail, or asking for passwords."""

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, Popen
from threading import Thread
from typing import Any

from pymongo import MongoClient
from pymongo.database import Database
from tablesync.local_stack.mongodb import MongoNode
from tablesync.local_stack.waiting import wait_until
from tablesync.test_kit import free_port

ROOT = "root"


class OwnMongod:
    """One node, from its making until `end`; its data stay in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._node = MongoNode(folder, free_port())
        self._node.prepare()
        self.uri = self._node.uri
        self._client: MongoClient[dict[str, Any]] = MongoClient(self.uri)
        self._make_ready: Callable[[], None] = self._node.make_ready
        self._options: Sequence[str] = ()
        self.start()

    def start(self) -> None:
        """Start it, with what it had stored; it takes writes when this returns."""
        argv = [*self._node.argv, "--setParameter", "enableTestCommands=1", *self._options]
        self._process = Popen(argv, stdout=DEVNULL)
        try:
            self._make_ready()
        except BaseException:
            self.end()
            raise

    def restart(self) -> None:
        """Kill and start it: every connection to it is made anew."""
        self.kill()
        self.start()

    def demand_passwords(self) -> None:
        """Restart it so that it serves accounts alone; `admin` is then asked as its root."""
        key = self._node.folder / "members.key"
        key.write_text("oneMemberAlone")
        key.chmod(0o600)
        self.admin.command("createUser", ROOT, pwd=ROOT, roles=["root"])
        self._client.close()
        self._client = MongoClient(self.uri, username=ROOT, password=ROOT)
        self._options = ("--keyFile", str(key))
        self._make_ready = self._await_writes
        self.restart()

    @property
    def admin(self) -> Database[dict[str, Any]]:
        """Return its database of accounts, and of commands for all of it."""
        return self._client.admin

    def uri_of(self, name: str, password: str) -> str:
        """Return the address that clients use who have an account."""
        return self.uri.replace("//", f"//{name}:{password}@") + "&authSource=admin"

    def _await_writes(self) -> None:
        wait_until(
            lambda: self.admin.command("hello")["isWritablePrimary"], timeout=60, what="its primary"
        )

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
        self.admin.command("fsync", lock=True)
        try:
            yield
        finally:
            self.admin.command("fsyncUnlock")

    @contextmanager
    def validating(self, database: str, collection: str) -> Iterator[None]:
        """Check one collection in full, as a DBA does: nobody else gets at it meanwhile."""
        point = "pauseCollectionValidationWithLock"
        entered = self.admin.command("configureFailPoint", point, mode="alwaysOn")["count"]
        check = Thread(
            target=self._client[database].command,
            args=["validate", collection],
            kwargs={"full": True},
        )
        check.start()
        try:
            self.admin.command(
                "waitForFailPoint", point, timesEntered=entered + 1, maxTimeMS=60_000
            )
            yield
        finally:
            self.admin.command("configureFailPoint", point, mode="off")
            check.join()

    @contextmanager
    def failing(self, commands: Sequence[str], **how: Any) -> Iterator[None]:
        """Have commands fail (`errorCode=13`) or wait (`blockConnection=True, blockTimeMS=…`)."""
        self._fail_command("alwaysOn", data={"failCommands": [*commands], **how})
        try:
            yield
        finally:
            self._fail_command("off")

    def _fail_command(self, mode: str, **data: Any) -> None:
        self.admin.command("configureFailPoint", "failCommand", mode=mode, **data)
