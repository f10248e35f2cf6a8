"""`python -m tablesync.sync_runner [--role NAME ...]`."""

from tablesync.service_kit import main
from tablesync.sync_runner.bootstrap import build
from tablesync.sync_runner.settings import NAME, Settings

if __name__ == "__main__":
    main.run(build, Settings, NAME)
