"""auth-service that suspends itself between the intent and the request: for the tests of pauses."""

import os
import signal
from typing import Any

from tablesync.auth_service.bootstrap import build
from tablesync.auth_service.providers.oauth_client import OAuthClient
from tablesync.auth_service.settings import NAME, Settings
from tablesync.service_kit.main import run

send = OAuthClient.refresh


async def stop_and_send(*arguments: Any) -> Any:
    """Go on with the request when somebody continues this process."""
    os.kill(os.getpid(), signal.SIGSTOP)
    return await send(*arguments)


if __name__ == "__main__":
    OAuthClient.refresh = stop_and_send  # type: ignore[method-assign, assignment]
    run(build, Settings, NAME)
