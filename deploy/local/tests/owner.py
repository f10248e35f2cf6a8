"""Owns a stack until it is ended (`owner.py CHECKOUT`); says on standard output when it runs."""

import sys
import threading
from pathlib import Path

from tablesync.local_stack import LocalStack

with LocalStack(Path(sys.argv[1]), "owned", programs=("mongod",)):
    print("ready", flush=True)  # noqa: T201 - the test reads it
    threading.Event().wait()
