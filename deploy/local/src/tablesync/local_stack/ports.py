"""Free ports on the loopback interface."""

import random
import socket

import psutil

# Below the range that Linux and macOS hand out to outgoing connections, so that nothing
# takes the port between the choice and the moment its program binds it.
FIRST, LAST = 20_000, 32_000
_chosen: set[int] = set()


def free_port() -> int:
    """Choose a port that nothing listens on and that this process has not chosen before."""
    for port in random.sample(range(FIRST, LAST), LAST - FIRST):
        if port not in _chosen and is_free(port):
            _chosen.add(port)
            return port
    raise OSError(f"no free port between {FIRST} and {LAST}")


def is_free(port: int) -> bool:
    """Say whether a program could listen on this port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def listens(pid: int, port: int) -> bool:
    """Say whether this very process takes connections on the port."""
    try:
        sockets = psutil.Process(pid).net_connections("tcp")
    except psutil.NoSuchProcess:
        return False
    return any(each.status == psutil.CONN_LISTEN and each.laddr.port == port for each in sockets)
