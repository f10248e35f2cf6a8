"""Runs supervisord until its owner is gone (run as a file: `supervisord_main.py CONF`).

The owner holds the other end of standard input. However it ends, even by SIGKILL, the pipe closes
and supervisord stops every program in order.
"""

import os
import signal
import sys
import threading

from supervisor import supervisord


def stop_with_owner() -> None:
    """Wait for the end of standard input, then ask supervisord, this process, to stop."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Start supervisord in the foreground with the configuration named on the command line."""
    threading.Thread(target=stop_with_owner, daemon=True).start()
    supervisord.main(["--nodaemon", "--configuration", sys.argv[1]])


if __name__ == "__main__":
    main()
