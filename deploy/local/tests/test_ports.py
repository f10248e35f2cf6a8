"""Ports: each process chooses among its own, so that two never choose the same."""

import subprocess
import sys

from tablesync.local_stack.ports import BLOCK, free_port

# Chooses, says what, and lives on until its standard input closes.
CHOOSER = """
import sys
from tablesync.local_stack.ports import free_port
print(*(free_port() for _ in range(125)), flush=True)
sys.stdin.read()
"""


def test_no_port_comes_up_twice_soon() -> None:
    ports = [free_port() for _ in range(BLOCK // 2)]
    assert len(set(ports)) == len(ports)


def test_processes_that_live_at_once_choose_other_ports() -> None:
    command = [sys.executable, "-c", CHOOSER]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    chosen = [port for each in processes if each.stdout for port in each.stdout.readline().split()]
    for each in processes:
        each.communicate()
    assert len(set(chosen)) == len(chosen) == 3 * 125
