"""Which programs a stack has, where each listens, and how each is run and asked for readiness."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tablesync.local_stack import kafka, mongodb, readiness
from tablesync.local_stack.kafka import KafkaNode
from tablesync.local_stack.keys import DASHBOARD, SERVICES, ServiceKeys
from tablesync.local_stack.mongodb import MongoNode
from tablesync.local_stack.ports import PortTakenError, free_port, why_taken
from tablesync.local_stack.progress import Progress
from tablesync.local_stack.services import Environment, Surroundings, module_of
from tablesync.local_stack.supervision import Program

BACKING = ("mongod", "sandbox", "kafka")
ALL = (*BACKING, *SERVICES, DASHBOARD)
# Ports that a program has beside its own.
BESIDE = {"kafka-controller": "kafka", "smtp": "sandbox"}
PORTS = ("kafka", "kafka-controller", "mongod", "sandbox", "smtp", *SERVICES, DASHBOARD)


@dataclass(frozen=True)
class Given:
    """What a stack uses instead of starting its own, and how its names open.

    An address given for Kafka, MongoDB or the sandbox means that this program is not started.
    """

    kafka_bootstrap: str | None = None
    mongodb_uri: str | None = None
    sandbox_url: str | None = None
    smtp_port: int | None = None
    topic_prefix: str = ""
    database_prefix: str = ""

    def starts(self, program: str) -> bool:
        """Whether the stack has to start this program itself."""
        given = {"kafka": self.kafka_bootstrap, "mongod": self.mongodb_uri}
        return not (given | {"sandbox": self.sandbox_url}).get(program)


@dataclass(frozen=True)
class Plan:
    """The programs of one stack; `ports` is by program, `env` is more environment by program."""

    root: Path
    folder: Path
    programs: tuple[str, ...]
    given: Given
    keys: ServiceKeys
    embedded_broker: bool = False
    env: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    roles: dict[str, tuple[str, ...]] = field(default_factory=dict)
    keep: bool = False

    def port(self, program: str) -> int:
        """Return the port of a program, a free one unless it was set."""
        if program not in self.ports:
            self.ports[program] = free_port()
        return self.ports[program]

    def refuse_taken_ports(self) -> None:
        """Refuse ports that were set, if something listens there or two programs would.

        Raises:
            PortTakenError: it names port, setting and remedy.

        """
        ours = (*self.programs, *(of for of, by in BESIDE.items() if by in self.programs))
        wanted = {setting_of(each): self.ports[each] for each in ours if each in self.ports}
        for setting, port in wanted.items():
            same = [each for each, other in wanted.items() if other == port and each != setting]
            if why := f"as {same[0]} is" if same else why_taken(port):
                raise PortTakenError(f"{setting} is {port}, {why}; set it to another port")

    @property
    def sandbox_state_file(self) -> Path:
        """Return where the sandbox keeps what it has to remember, if it shall."""
        return self.folder / "sandbox" / "state"

    @property
    def kafka(self) -> str:
        """Return the bootstrap address, of the stack's own broker or of the given one."""
        return self.given.kafka_bootstrap or f"127.0.0.1:{self.port('kafka')}"

    @property
    def mongodb(self) -> str:
        """Return the address of MongoDB."""
        return self.given.mongodb_uri or self._mongo().uri

    @property
    def sandbox(self) -> str | None:
        """Return the sandbox's address, or None when there is none."""
        return self.given.sandbox_url or self.urls.get("sandbox")

    @property
    def urls(self) -> dict[str, str]:
        """Return the HTTP address of each of the stack's own programs that has one."""
        with_http = [each for each in self.programs if each not in ("kafka", "mongod")]
        return {each: f"http://127.0.0.1:{self.port(each)}" for each in with_http}

    def add_replica(self, service: str, roles: Sequence[str]) -> str:
        """Name one more process of a service, and settle which of its roles it runs."""
        number = 2
        while (name := f"{service}-{number}") in self.ports:
            number += 1
        self.ports[name] = free_port()
        self.roles[name] = tuple(roles)
        return name

    def prepare(self, program: str, progress: Progress) -> None:
        """Do what must be done once before a program starts."""
        if program == "kafka" and not self.embedded_broker:
            self._kafka(kafka.fetch_jars(self.root, progress)).prepare()
        elif program == "mongod":
            self._mongo().prepare()

    def finish(self, program: str) -> None:
        """Do what must be done once after a program takes connections."""
        if program == "mongod":
            self._mongo().make_ready()

    def program(self, name: str) -> Program:
        """Return a program's command line and environment."""
        env = self._environment(name) | dict(self.env.get(name, self.env.get(base(name), {})))
        # A sandbox that started again would have forgotten what all others go on to rely on.
        return Program(name, self._command(name), env, restart=name != "sandbox")

    def is_ready(self, name: str) -> bool:
        """Ask a program whether it can do its work."""
        if name == "kafka":
            ready = readiness.kafka_is_ready(self.kafka)
            return ready and (self.embedded_broker or readiness.groups_are_ready(self.kafka))
        if name == "mongod":
            return mongodb.answers(self.port("mongod"))
        page = "healthz" if name == "sandbox" else "readyz"
        return readiness.http_is_ready(f"http://127.0.0.1:{self.port(name)}/{page}")

    def _command(self, name: str) -> list[str]:
        if name == "kafka":
            return self._broker_command()
        if name == "mongod":
            return self._mongo().argv
        roles = [part for role in self.roles.get(name, ()) for part in ("--role", role)]
        return [sys.executable, "-m", module_of(base(name)), *roles]

    def _broker_command(self) -> list[str]:
        if self.embedded_broker:
            module = "tablesync.local_stack.embedded_broker"
            return [sys.executable, "-m", module, "--port", str(self.port("kafka"))]
        return self._kafka(kafka.jars_folder(self.root)).argv

    def _environment(self, name: str) -> Environment:
        if name in ("kafka", "mongod"):
            return {}
        if name == "sandbox":
            ports = {"HTTP": self.port("sandbox"), "SMTP": self.port("smtp")}
            kept = {"SANDBOX_STATE_FILE": str(self.sandbox_state_file)} if self.keep else {}
            return kept | {f"SANDBOX_{each}_PORT": str(port) for each, port in ports.items()}
        return self._surroundings().environment(base(name), self.port(name))

    def _surroundings(self) -> Surroundings:
        return Surroundings(
            kafka=self.kafka,
            mongodb=self.mongodb,
            topic_prefix=self.given.topic_prefix,
            database_prefix=self.given.database_prefix,
            embedded_broker=self.embedded_broker,
            urls=self.urls,
            sandbox=self.sandbox,
            smtp_port=self.smtp_port,
            keys=self.keys,
        )

    @property
    def smtp_port(self) -> int | None:
        """Return the port that takes mail, or None when nothing does."""
        return self.port("smtp") if "sandbox" in self.programs else self.given.smtp_port

    def _kafka(self, jars: Path) -> KafkaNode:
        ports = self.port("kafka"), self.port("kafka-controller")
        return KafkaNode(self.folder / "kafka", jars, *ports)

    def _mongo(self) -> MongoNode:
        return MongoNode(self.folder / "mongod", self.port("mongod"))


def setting_of(program: str) -> str:
    """Return the variable that sets a program's port."""
    return f"{program.upper().replace('-', '_')}_PORT"


def base(name: str) -> str:
    """Return the service that a replica such as `sync-runner-2` is one of."""
    return next((each for each in (*SERVICES, DASHBOARD) if name.startswith(each)), name)
