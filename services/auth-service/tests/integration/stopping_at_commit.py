"""auth-service that suspends itself when a disconnection is committed, and not yet upstream."""

import os
import signal
from typing import Any

from tablesync.auth_service.bootstrap import build
from tablesync.auth_service.grants.disconnect import Disconnecting
from tablesync.auth_service.settings import NAME, Settings
from tablesync.service_kit.main import run

end_upstream = Disconnecting.end_upstream


def stop_and_end(*arguments: Any) -> None:
    """Go on when somebody continues this process."""
    os.kill(os.getpid(), signal.SIGSTOP)
    end_upstream(*arguments)


if __name__ == "__main__":
    Disconnecting.end_upstream = stop_and_end  # type: ignore[method-assign, assignment]
    run(build, Settings, NAME)
