"""`python -m tablesync.scheduler [--role api|consumer|relay|ticker|worker ...]`."""

from tablesync.scheduler.bootstrap import build
from tablesync.scheduler.settings import NAME, Settings
from tablesync.service_kit.main import run

if __name__ == "__main__":
    run(build, Settings, NAME)
