"""`python -m tablesync.dashboard [--role NAME ...]`."""

from tablesync.dashboard.bootstrap import build
from tablesync.dashboard.settings import NAME, Settings
from tablesync.service_kit.main import run

if __name__ == "__main__":
    run(build, Settings, NAME)
