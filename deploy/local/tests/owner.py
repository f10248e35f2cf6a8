"""Owns a stack until it is ended (`owner.py CHECKOUT`); says on standard output when it runs."""

import signal
import sys
import threading
from pathlib import Path

from tablesync.local_stack import LocalStack

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
with LocalStack(Path(sys.argv[1]), "owned", programs=("mongod",)):
    print("ready", flush=True)  # noqa: T201 - the test reads it
    threading.Event().wait()
