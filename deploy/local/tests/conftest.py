"""A checkout of one's own for each test, so that stacks do not meet."""

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
POM = Path("deploy/local/kafka/pom.xml")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """As much of a checkout as a stack needs; Kafka's jars are those of the real one."""
    return make_checkout(tmp_path / "checkout")


@pytest.fixture
def other_checkout(tmp_path: Path) -> Path:
    """A second one, in a folder with a space and a percent sign, and too deep for a socket."""
    return make_checkout(tmp_path / "100% other checkout" / ("deep" * 20))


def make_checkout(folder: Path) -> Path:
    (folder / POM).parent.mkdir(parents=True)
    shutil.copy(ROOT / POM, folder / POM)
    jars = ROOT / ".local" / "kafka-jars"
    jars.mkdir(parents=True, exist_ok=True)
    (folder / ".local").mkdir()
    (folder / ".local" / "kafka-jars").symlink_to(jars)
    return folder
