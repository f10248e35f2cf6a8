"""The whole platform on one machine, one process killable and startable at a time."""

import atexit
import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import psutil
from tablesync.local_stack import remembered_ports
from tablesync.local_stack.info import StackInfo
from tablesync.local_stack.keys import DASHBOARD, SERVICES, ensure_keys
from tablesync.local_stack.occupation import refuse_a_second
from tablesync.local_stack.plan import ALL, BACKING, Given, Plan
from tablesync.local_stack.ports import listens
from tablesync.local_stack.progress import Progress, no_progress
from tablesync.local_stack.supervision import ENDED, Supervisor, tail
from tablesync.local_stack.waiting import wait_until

START_SECONDS = 180.0
# Seconds: a look asks the kernel, supervisord and the program, whose start needs the same cores.
READY_INTERVAL = 0.2


class ProgramEndedError(RuntimeError):
    """A program ended where it should have become ready; the message has the end of its log."""


class LocalStack:
    """Kafka, mongod, sandbox and services under one supervisord, with data in `.local/<name>/`.

    Args:
        root: the checkout.
        name: the folder under `.local`; one running stack per name.
        programs: which to run, of `ALL`.
        env: more environment, by program (or by service, for all its replicas).
        kafka_bootstrap: use this Kafka instead of starting one.
        mongodb_uri: use this MongoDB instead of starting one.
        embedded_broker: run librdkafka's broker in memory instead of Kafka.
        given: a sandbox to use, and what topics and databases are called.
        ports: ports by program, where free ones will not do.
        fresh: forget what an earlier stack of this name stored.
        keep: let the sandbox and the ports be the same at the next start, as Kafka's and MongoDB's
            data are; else the sandbox begins empty each time.
        restart: start a program again that ends by itself, `kill` included, but the sandbox.
        progress: is told what is being waited for.

    """

    def __init__(
        self,
        root: Path,
        name: str = "up",
        *,
        programs: Sequence[str] = ALL,
        env: Mapping[str, Mapping[str, str]] | None = None,
        kafka_bootstrap: str | None = None,
        mongodb_uri: str | None = None,
        embedded_broker: bool = False,
        sandbox_url: str | None = None,
        smtp_port: int | None = None,
        topic_prefix: str = "",
        database_prefix: str = "",
        ports: Mapping[str, int] | None = None,
        fresh: bool = False,
        keep: bool = False,
        restart: bool = False,
        progress: Progress = no_progress,
    ) -> None:
        given = Given(
            kafka_bootstrap, mongodb_uri, sandbox_url, smtp_port, topic_prefix, database_prefix
        )
        self.root, self.folder = root.resolve(), root.resolve() / ".local" / name
        self._fresh, self._keep, self._progress = fresh, keep, progress
        self.plan = Plan(
            self.root,
            self.folder,
            tuple(each for each in ALL if each in programs and given.starts(each)),
            given,
            ensure_keys(self.root / ".local" / "keys"),
            embedded_broker,
            env or {},
            dict(ports or {}),
            keep=keep,
        )
        if keep and not self.is_new:
            self.plan.ports.update(remembered_ports.recall(self.folder, but=self.plan.ports))
        self._supervisor = Supervisor(self.folder, restart=restart)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def is_new(self) -> bool:
        """Whether it begins empty.

        It is to be fresh, or it keeps and its sandbox has kept nothing yet: to what all others go
        on from, nothing at the providers would belong.
        """
        return self._fresh or (self._keep and not self.plan.sandbox_state_file.exists())

    def refuse_to_share(self) -> None:
        """Refuse to start beside another stack of this name, or on a port that is taken.

        Raises:
            AlreadyRunningError: a stack of this name runs.
            PortTakenError: something listens on a port that was set.

        """
        refuse_a_second(self.folder)
        self.plan.refuse_taken_ports()

    def start(self) -> None:
        """Start every program and wait until all are ready; on failure leave nothing running.

        Raises:
            AlreadyRunningError, PortTakenError: as `refuse_to_share`; nothing was touched.
            MissingToolError: something that the machine lacks, with its install line.
            ProgramEndedError: a program that ended, with the end of its log.
            TimeoutError: a program that did not become ready.

        """
        self.refuse_to_share()
        self.folder.mkdir(parents=True, exist_ok=True)
        atexit.register(self.stop)
        try:
            self._supervisor.start(fresh=self.is_new)
            self._start_all([each for each in self.plan.programs if each in BACKING])
            self._start_all([each for each in self.plan.programs if each not in BACKING])
            if self._keep:
                remembered_ports.remember(self.folder, self.plan.ports)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop every program, services first; return when all are gone."""
        atexit.unregister(self.stop)
        try:
            if self._supervisor.is_running:
                for programs in ((*SERVICES, DASHBOARD), BACKING):
                    self._supervisor.stop_together(self._names_of(programs))
        except OSError as error:  # a supervisord that dies takes its programs along
            self._progress(f"supervisord does not answer any more: {error}")
        finally:
            self._supervisor.stop()

    def remove(self) -> None:
        """Delete the stack's folder; only after `stop`."""
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def info(self) -> StackInfo:
        """Return the addresses, the users and the API token."""
        bootstrap = self.plan.keys.bootstrap()
        sandbox = self.plan.sandbox
        return StackInfo(
            urls=self.plan.urls,
            kafka=self.plan.kafka,
            mongodb=self.plan.mongodb,
            sandbox=sandbox,
            mailbox=f"{sandbox}/mail" if sandbox else None,
            users=[{key: each[key] for key in ("id", "email", "name", "role")}
                   for each in bootstrap["operators"]],
            api_token=bootstrap["operators"][0]["api_token"],
            workspace_id=bootstrap["workspace"]["id"],
            broker="embedded" if self.plan.embedded_broker else "kafka",
            database_prefix=self.plan.given.database_prefix,
        )  # fmt: skip

    def pid(self, program: str) -> int | None:
        """Return a program's process id, or None when it does not run."""
        return self._supervisor.program_pid(program)

    def log_path(self, program: str) -> Path:
        """Return the file with what a program wrote."""
        return self._supervisor.log_path(program)

    def kill(self, program: str, signal: int = signal.SIGKILL) -> None:
        """Send a signal to a program and wait for its end; it is not started again."""
        pid = self.pid(program)
        if pid is None:
            return
        process = psutil.Process(pid)
        os.kill(pid, signal)
        process.wait(timeout=60)
        wait_until(lambda: self.pid(program) != pid, timeout=60, what=f"the end of {program}")

    def exit_code(self, program: str) -> int:
        """Return how a program that does not run has ended; -1 if a signal ended it."""
        return self._supervisor.exit_code(program)

    def start_program(self, program: str) -> None:
        """Start a program that was killed or stopped; it may not be ready yet."""
        self._supervisor.start_program(program)

    def stop_program(self, program: str) -> None:
        """Ask a program to end and wait until it has."""
        self._supervisor.stop_program(program)

    def wait_ready(self, program: str, timeout: float = START_SECONDS) -> None:
        """Wait until a program can do its work.

        Raises:
            ProgramEndedError: it ended instead.
            TimeoutError: it did not become ready.

        """
        wait_until(
            lambda: self._is_ready(program),
            timeout=timeout,
            what=f"{program} to be ready",
            interval=READY_INTERVAL,
        )
        self.plan.finish(program)

    def add_replica(self, service: str, roles: Sequence[str] = ()) -> str:
        """Start one more process of a service, of all roles or of those named; return its name."""
        name = self.plan.add_replica(service, roles)
        self._start_all([name])
        return name

    def ended_programs(self) -> list[str]:
        """Return the programs that should run and do not."""
        return [each for each in self._supervisor.names if self._supervisor.state(each) in ENDED]

    def _start_all(self, names: Sequence[str]) -> None:
        for name in names:
            self.plan.prepare(name, self._progress)
            self._supervisor.add(self.plan.program(name))
            self._progress(f"Starting {name}")
            self.start_program(name)
        for name in names:
            self.wait_ready(name)

    def _is_ready(self, program: str) -> bool:
        pid = self.pid(program)
        if pid is None:
            self._refuse_an_end(program)
            return False
        return listens(pid, self.plan.port(program)) and self.plan.is_ready(program)

    def _refuse_an_end(self, program: str) -> None:
        if self._supervisor.state(program) in ENDED:
            said = tail(self.log_path(program))
            raise ProgramEndedError(f"{program} ended ({self.log_path(program)}):\n{said}")

    def _names_of(self, programs: Sequence[str]) -> list[str]:
        return [each for each in self._supervisor.names if each.startswith(tuple(programs))]
