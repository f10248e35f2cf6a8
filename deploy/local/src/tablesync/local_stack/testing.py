"""What tests take from here: free ports, waiting, unique names and the sandbox's control client."""

import secrets

from tablesync.local_stack.ports import free_port
from tablesync.local_stack.sandbox_control import SandboxControl
from tablesync.local_stack.waiting import eventually, wait_until

__all__ = ["SandboxControl", "eventually", "free_port", "unique_prefix", "wait_until"]


def unique_prefix(separator: str) -> str:
    """Give what a topic or a database of one test opens with, such as `t3f9a-`."""
    return f"t{secrets.token_hex(4)}{separator}"
