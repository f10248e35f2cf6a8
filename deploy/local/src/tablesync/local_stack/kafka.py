"""One real Apache Kafka node: its jars, its configuration and its command line."""

import base64
import fcntl
import hashlib
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tablesync.local_stack import tools
from tablesync.local_stack.progress import Progress, print_progress

JVM = (
    *("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
    *("-XX:+ExitOnOutOfMemoryError", "-Xshare:auto"),
)

FILES_PER_LINE = 25


def missing(root: Path) -> tools.MissingToolError | None:
    """Say what keeps real Kafka from starting on this machine, if anything does."""
    try:
        tools.find_java()
        if not jars_folder(root).exists():
            tools.find_maven()
    except tools.MissingToolError as error:
        return error
    return None


def without_maven(root: Path) -> bool:
    """Whether real Kafka cannot be had, and tell the person so in one line."""
    if (lacking := missing(root)) is None:
        return False
    print_progress(f"{lacking}. Until then a broker in memory stands in for Kafka.")
    return True


def pom(root: Path) -> Path:
    """Return the file that pins Kafka's version."""
    return root / "deploy" / "local" / "kafka" / "pom.xml"


def jars_folder(root: Path) -> Path:
    """Return the folder of the jars that belong to the pom as it is now."""
    version = hashlib.sha256(pom(root).read_bytes()).hexdigest()[:12]
    return root / ".local" / "kafka-jars" / version


def fetch_jars(root: Path, progress: Progress) -> Path:
    """Have Maven copy Kafka's jars, once per pom; safe when two processes want them at once."""
    folder = jars_folder(root)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.parent / "lock"):
        if not folder.exists():
            _copy_jars(pom(root), folder, progress)
    return folder


def _copy_jars(pom_file: Path, folder: Path, progress: Progress) -> None:
    maven = tools.find_maven()
    progress(f"Fetching Apache Kafka with Maven (43 MB, once) into {folder}")
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    _run_maven(
        [
            *(maven, "-B", "-f", str(pom_file), "dependency:copy-dependencies"),
            *("-DincludeScope=runtime", f"-DoutputDirectory={partial}"),
        ],
        progress,
    )
    partial.rename(folder)


def _run_maven(command: list[str], progress: Progress) -> None:
    said: list[str] = []
    fetched = 0
    with subprocess.Popen(
        command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as maven:
        assert maven.stdout
        for line in maven.stdout:
            said.append(line)
            fetched += "Downloaded from" in line
            if "Downloaded from" in line and fetched % FILES_PER_LINE == 0:
                progress(f"  {fetched} files")
    if maven.returncode:
        raise RuntimeError("Maven could not fetch Kafka's jars:\n" + "".join(said[-40:]))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@dataclass(frozen=True)
class KafkaNode:
    """A one-node cluster in KRaft mode: `folder` has its data, `jars` the code."""

    folder: Path
    jars: Path
    port: int
    controller_port: int

    @property
    def bootstrap(self) -> str:
        """Return the address that clients start from."""
        return f"127.0.0.1:{self.port}"

    def prepare(self) -> None:
        """Write the configuration and, the first time, format the log folder."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._properties_file.write_text(self._properties())
        (self.folder / "log4j2.properties").write_text(LOG4J)
        if not (self.folder / "data" / "meta.properties").exists():
            cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
            # One word: an id may begin with a dash, and would be taken for an option.
            self._run_once("kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c")

    @property
    def argv(self) -> list[str]:
        """Return the command line of the broker."""
        return [*self._java, "kafka.Kafka", str(self._properties_file)]

    @property
    def _properties_file(self) -> Path:
        return self.folder / "server.properties"

    @property
    def _java(self) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={self.folder / 'log4j2.properties'}"
        return [tools.find_java(), *JVM, logging, "-cp", f"{self.jars}{os.sep}*"]

    def _run_once(self, main_class: str, *arguments: str) -> None:
        done = subprocess.run(
            [*self._java, main_class, *arguments, str(self._properties_file)],
            check=False, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{main_class} failed: {done.stderr or done.stdout}")

    def _properties(self) -> str:
        return PROPERTIES.format(
            port=self.port, controller=self.controller_port, data=self.folder / "data"
        )


# One node, loopback only; small segments and indexes, so that a test run leaves little on disk.
# A killed broker may register again when its old session is over: six seconds, not nine.
# Nobody follows the log of metadata here: it needs no empty record twice a second when idle.
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=2
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=2
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
broker.session.timeout.ms=6000
broker.heartbeat.interval.ms=500
metadata.max.idle.interval.ms=0
log.segment.bytes=16777216
log.index.size.max.bytes=1048576
log.cleaner.dedupe.buffer.size=16777216
num.network.threads=2
num.io.threads=4
"""

LOG4J = """\
rootLogger.level = WARN
rootLogger.appenderRef.stdout.ref = STDOUT
appender.stdout.type = Console
appender.stdout.name = STDOUT
appender.stdout.layout.type = PatternLayout
appender.stdout.layout.pattern = %d{ISO8601} %p %c - %m%n
"""
