"""Becomes one program of the stack, tied to its supervisor.

Run as a file: `child_of_supervisor.py SPEC`.

The specification is JSON, {"argv": [...], "env": {...}}: nothing needs quoting in supervisor's own
configuration, and no secret stands on a command line. On Linux the kernel kills the program when
the supervisor dies, however it dies.
"""

import ctypes
import json
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int) -> None:
    """Ask Linux to kill this process, also after exec, when its parent ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            sys.exit("the supervisor ended before its program began")


def main() -> None:
    """Read the specification and become its program."""
    parent = os.getppid()
    with open(sys.argv[1], encoding="utf-8") as file:
        spec = json.load(file)
    die_with_parent(parent)
    os.execvpe(spec["argv"][0], spec["argv"], {**os.environ, **spec["env"]})  # noqa: S606


if __name__ == "__main__":
    main()
