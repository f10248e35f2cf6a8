"""Free ports on the loopback interface."""

import itertools
import random
import socket
from functools import cache

import psutil

# Below the range that Linux and macOS hand out to outgoing connections, so that nothing
# takes the port between the choice and the moment its program binds it.
FIRST, LAST = 20_000, 32_000
BLOCK = 250


class PortTakenError(RuntimeError):
    """A port that was set is taken; the message names port, setting and remedy."""


def free_port() -> int:
    """Choose a port that nothing listens on and that no other process chooses."""
    return _own_block().next_free()


class _Block:
    """The ports that are this process's to choose from, until it ends.

    Two processes would else choose the same port before either has bound it. A port comes up
    again only after all others of the block.
    """

    def __init__(self) -> None:
        self._claim, first = _claim_any()
        self._ports = itertools.cycle(range(first, first + BLOCK))

    def next_free(self) -> int:
        for port in itertools.islice(self._ports, BLOCK):
            if is_free(port):
                return port
        raise OSError(f"something listens on each of this process's {BLOCK} ports")


@cache
def _own_block() -> _Block:
    return _Block()


def _claim_any() -> tuple[socket.socket, int]:
    """Claim a block by the UDP port of its first number: the kernel frees it when we end."""
    for first in random.sample(range(FIRST, LAST, BLOCK), (LAST - FIRST) // BLOCK):
        claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            claim.bind(("127.0.0.1", first))
        except OSError:
            claim.close()
        else:
            return claim, first
    raise OSError(f"all ports between {FIRST} and {LAST} belong to other processes")


def is_free(port: int) -> bool:
    """Whether a program could listen on this port now."""
    try:
        _try_to_bind(port)
    except OSError:
        return False
    return True


def why_taken(port: int) -> str | None:
    """Say why no program could listen on this port now; None if one could."""
    try:
        _try_to_bind(port)
    except PermissionError:
        return "which is for root alone"
    except OSError:
        return f"on which {_listener(port)} listens already"
    return None


def _try_to_bind(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))


def _listener(port: int) -> str:
    """Name the process that listens on a port, as far as that can be seen."""
    try:
        found = psutil.net_connections("tcp")
    except psutil.AccessDenied:  # macOS tells root alone
        found = []
    listening = (each for each in found if each.status == psutil.CONN_LISTEN)
    pid = next((each.pid for each in listening if each.laddr[1:] == (port,)), None)
    return f"process {pid}" if pid else "another program"


def listens(pid: int, port: int) -> bool:
    """Whether this very process takes connections on the port."""
    try:
        sockets = psutil.Process(pid).net_connections("tcp")
    except psutil.NoSuchProcess:
        return False
    return any(each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in sockets)
