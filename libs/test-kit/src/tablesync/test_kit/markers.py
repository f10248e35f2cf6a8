"""Says of each test whether it is unit, integration, e2e or soak, and what shares its process."""

import pytest
from xdist.scheduler import LoadFileScheduling

KINDS = ("unit", "integration", "e2e", "soak")
REAL_THINGS = frozenset({"kafka_bootstrap", "mongodb_uri", "sandbox_url", "browser"})
# Each of these folders has one platform for all its tests, whose start takes a minute of a core.
FOLDERS = ("tests/e2e/dashboard/", "tests/e2e/shared_platform/")


def mark(items: list[pytest.Item]) -> None:
    """Mark every test that does not say its kind by what it uses."""
    for item in items:
        if not any(item.get_closest_marker(kind) for kind in KINDS):
            item.add_marker(kind_of(item))


def kind_of(item: pytest.Item) -> str:
    """Say which kind a test is."""
    for folder in ("e2e", "soak"):
        if folder in item.path.parts:
            return folder
    uses_real_things = REAL_THINGS & set(getattr(item, "fixturenames", ()))
    return "integration" if uses_real_things or "integration" in item.path.parts else "unit"


def scope_of(nodeid: str) -> str:
    """Return the file, or the folder, with whose other tests a test shares its process."""
    return next((each for each in FOLDERS if nodeid.startswith(each)), nodeid.split("::", 1)[0])


class LoadFolderScheduling(LoadFileScheduling):  # type: ignore[misc] # xdist has no types
    """Gives each process a file's tests, or a folder's."""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)
