"""One supervisord and its programs: start, stop, look at one at a time."""

import json
import shlex
import shutil
import subprocess
import sys
import tempfile
import xmlrpc.client
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from supervisor.xmlrpc import SupervisorTransport
from tablesync.local_stack.occupation import occupy
from tablesync.local_stack.waiting import wait_until

UNIX_SOCKET_PATH_LIMIT = 100
# Run as files: a module of this package would first import all of it, which takes a second.
SUPERVISORD_MAIN, CHILD_OF_SUPERVISOR = (
    str(Path(__file__).with_name(f"{each}.py"))
    for each in ("supervisord_main", "child_of_supervisor")
)
# Longer than the 25 s in which a service drains: what it has begun is not torn.
STOP_SECONDS = 35
ENDED = frozenset({"STOPPED", "EXITED", "FATAL"})


@dataclass(frozen=True)
class Program:
    """What supervisord runs under one name; `restart`: it may start again if it ends by itself."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    restart: bool = True


class Supervisor:
    """A supervisord in a folder of its own that ends when the process that started it ends."""

    def __init__(self, folder: Path, *, restart: bool = False) -> None:
        self._folder = folder
        self._restart = restart
        self._programs: dict[str, Program] = {}
        self._socket = _socket_path(folder)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        """Whether supervisord runs."""
        return self._process is not None and self._process.poll() is None

    def start(self, *, fresh: bool = False) -> None:
        """Start supervisord without any program; `fresh` empties its folder before."""
        self._folder.mkdir(parents=True, exist_ok=True)
        # supervisord inherits the lock and holds it for as long as it lives.
        with occupy(self._folder) as lock:
            if fresh:
                _empty(self._folder, keep="lock")
            self._write_configuration()
            self._spawn(lock)
        wait_until(self._answers, timeout=30, what="supervisord")

    def _spawn(self, lock: IO[str]) -> None:
        (self._folder / "logs").mkdir(exist_ok=True)
        with self.log_path("supervisord-output").open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-P", SUPERVISORD_MAIN, self._configuration.name],
                stdin=subprocess.PIPE, stdout=out, stderr=out,
                cwd=self._folder, start_new_session=True, pass_fds=[lock.fileno()],
            )  # fmt: skip

    def stop(self) -> None:
        """Stop supervisord and every program; return when all are gone."""
        if self._process is None:
            return
        assert self._process.stdin
        self._process.stdin.close()
        try:
            self._process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def log_path(self, name: str) -> Path:
        """Return the file with what a program wrote to standard output and standard error."""
        return self._folder / "logs" / f"{name}.log"

    def add(self, program: Program) -> None:
        """Make a program known; it does not start yet."""
        self._programs[program.name] = program
        spec = self._folder / f"{program.name}.json"
        spec.touch(mode=0o600)
        spec.write_text(json.dumps({"argv": [*program.argv], "env": {**program.env}}))
        self._write_configuration()
        self._call("reloadConfig")
        self._call("addProcessGroup", program.name)

    def start_program(self, name: str) -> None:
        """Start a known program that does not run."""
        self._call("startProcess", name, False)

    def stop_program(self, name: str, *, wait: bool = True) -> None:
        """Ask a program to end, and kill it when it does not within `STOP_SECONDS`."""
        with suppress(xmlrpc.client.Fault):  # it does not run
            self._call("stopProcess", name, wait)

    def stop_together(self, names: Sequence[str]) -> None:
        """Ask programs to end, all at once, and wait until they have."""
        for name in names:
            self.stop_program(name, wait=False)
        for name in names:
            self._wait_for_end(name)

    def _wait_for_end(self, name: str) -> None:
        wait_until(
            lambda: self.program_pid(name) is None,
            timeout=STOP_SECONDS + 5,
            what=f"the end of {name}",
        )

    def state(self, name: str) -> str:
        """Return supervisor's word for how a program is, such as RUNNING or EXITED."""
        return str(self._call("getProcessInfo", name)["statename"])

    def program_pid(self, name: str) -> int | None:
        """Return a program's process id, or None when it does not run."""
        if not self.is_running:
            return None
        return int(self._call("getProcessInfo", name)["pid"]) or None

    def exit_code(self, name: str) -> int:
        """Return how a program that does not run has ended; -1 if a signal ended it."""
        return int(self._call("getProcessInfo", name)["exitstatus"])

    @property
    def names(self) -> tuple[str, ...]:
        """Return the known programs in the order in which they were added."""
        return tuple(self._programs)

    @property
    def _configuration(self) -> Path:
        return self._folder / "supervisord.conf"

    def _answers(self) -> bool:
        if not self.is_running:
            raise RuntimeError(tail(self.log_path("supervisord-output")))
        try:
            self._call("getState")
        except (OSError, xmlrpc.client.Error):
            return False
        return True

    def _call(self, method: str, *arguments: Any) -> Any:
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        with xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport) as server:
            return getattr(server.supervisor, method)(*arguments)

    def _write_configuration(self) -> None:
        parts = [self._common_configuration()]
        parts += [self._program_configuration(name) for name in self._programs]
        self._configuration.write_text("\n".join(parts).replace("%", "%%"))

    def _common_configuration(self) -> str:
        return COMMON.format(socket=self._socket)

    def _program_configuration(self, name: str) -> str:
        command = shlex.join([sys.executable, "-I", "-S", CHILD_OF_SUPERVISOR, f"{name}.json"])
        again = self._restart and self._programs[name].restart
        restart, retries = ("unexpected", 3) if again else ("false", 0)
        return PROGRAM.format(
            name=name,
            command=command,
            restart=restart,
            retries=retries,
            stop_seconds=STOP_SECONDS,
        )


def tail(path: Path, lines: int = 25) -> str:
    """Return the last lines of a log."""
    text = path.read_text(errors="replace") if path.exists() else ""
    return "\n".join(text.splitlines()[-lines:])


def _empty(folder: Path, *, keep: str) -> None:
    for each in folder.iterdir():
        if each.is_dir():
            shutil.rmtree(each)
        elif each.name != keep:
            each.unlink()


def _socket_path(folder: Path) -> Path:
    """Put the control socket beside the data, or where its path is short enough for the kernel."""
    path = folder / "supervisor.sock"
    if len(str(path)) <= UNIX_SOCKET_PATH_LIMIT:
        return path
    return Path(tempfile.mkdtemp(prefix="tablesync-")) / "supervisor.sock"


# Paths are relative to the folder, where supervisord runs: it would expand a "%" in them twice.
COMMON = """\
[unix_http_server]
file={socket}
chmod=0700
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisord]
logfile=logs/supervisord.log
pidfile=supervisord.pid
loglevel=warn
silent=true
nocleanup=true
"""

PROGRAM = """\
[program:{name}]
command={command}
autostart=false
autorestart={restart}
startsecs=1
startretries={retries}
stopwaitsecs={stop_seconds}
killasgroup=true
redirect_stderr=true
stdout_logfile=logs/{name}.log
stdout_logfile_maxbytes=20MB
stdout_logfile_backups=1
"""
