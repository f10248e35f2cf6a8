"""Which tests share a process of pytest-xdist: those of a file, or of a folder with a platform."""

from xdist.scheduler import LoadFileScheduling

# Each of these folders has one platform for all its tests, whose start takes a minute of a core.
FOLDERS = ("tests/e2e/dashboard/",)


def scope_of(nodeid: str) -> str:
    """Return the file, or the folder, with whose other tests a test shares its process."""
    return next((each for each in FOLDERS if nodeid.startswith(each)), nodeid.split("::", 1)[0])


class LoadFolderScheduling(LoadFileScheduling):  # type: ignore[misc] # xdist has no types
    """Gives each process a file's tests, or a folder's."""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)
