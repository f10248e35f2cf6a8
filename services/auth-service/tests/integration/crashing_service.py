"""auth-service that kills itself at the step which CRASH_AT names: for the tests of crashes."""

import os
import signal
from functools import partial
from typing import Any

from auth_service_shops import registry
from tablesync.auth_service.bootstrap import build
from tablesync.auth_service.consent import connect
from tablesync.auth_service.consent.authorizations import Authorizations
from tablesync.auth_service.grants.ending import Ending
from tablesync.auth_service.grants.grants import Grants
from tablesync.auth_service.grants.renewal import Renewal
from tablesync.auth_service.providers.oauth_client import OAuthClient
from tablesync.auth_service.settings import NAME, Settings
from tablesync.service_kit.main import run

# (where, before or after it): each is a gap between two writes, or around a request.
STEPS: dict[str, tuple[Any, str, bool]] = {
    "refresh: before the intent": (Grants, "open_intent", True),
    "refresh: before sending": (OAuthClient, "refresh", True),
    "refresh: before storing": (Renewal, "store", True),
    "refresh: after storing": (Renewal, "store", False),
    "verdict: before it is stored": (Ending, "end", True),
    "verdict: after it is stored": (Ending, "end", False),
    "reconnect: after the claim": (OAuthClient, "exchange", True),
    "reconnect: after the exchange": (OAuthClient, "exchange", False),
    "reconnect: before the commit": (Authorizations, "finish", True),
    "reconnect: after the commit": (connect.Connecting, "complete", False),
}


def die() -> None:
    """End without a chance to clean up."""
    os.kill(os.getpid(), signal.SIGKILL)


def arm(step: str) -> None:
    """Put the end of this process around the step."""
    owner, name, before = STEPS[step]
    original = getattr(owner, name)

    async def fatal(*args: Any, **kwargs: Any) -> Any:
        if before:
            die()
        result = await original(*args, **kwargs)
        die()
        return result

    setattr(owner, name, fatal)


if __name__ == "__main__":
    arm(os.environ["CRASH_AT"])
    run(partial(build, providers=registry(os.environ.get("SHOPS_URL", ""))), Settings, NAME)
