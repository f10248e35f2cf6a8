"""Runs the notifier: `python -m tablesync.notifier [--role consumer|worker|ticker]`."""

from tablesync.notifier.bootstrap import build
from tablesync.notifier.settings import NAME, Settings
from tablesync.service_kit.main import run

if __name__ == "__main__":
    run(build, Settings, NAME)
