"""What the tests of every part use: waiting, free ports, the sandbox's control, unique names."""

from tablesync.local_stack.button import press
from tablesync.local_stack.loopback import NO_TLS
from tablesync.local_stack.ports import free_port
from tablesync.local_stack.sandbox_control import SandboxControl
from tablesync.local_stack.waiting import eventually, wait_until
from tablesync.test_kit.isolation import unique_prefix

__all__ = [
    "NO_TLS",
    "SandboxControl",
    "eventually",
    "free_port",
    "press",
    "unique_prefix",
    "wait_until",
]
