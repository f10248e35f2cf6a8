"""`python -m tablesync.auth_service [--role NAME ...]`."""

from tablesync.auth_service.bootstrap import build
from tablesync.auth_service.settings import NAME, Settings
from tablesync.service_kit.main import run

if __name__ == "__main__":
    run(build, Settings, NAME)
