"""MongoDB's own expiry, as a test can wait for it: it looks each second, not each minute."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pymongo import MongoClient

PARAMETER = "ttlMonitorSleepSecs"


@contextmanager
def prompt_expiry(uri: str) -> Iterator[None]:
    """Have MongoDB look each second for documents that expire, for a block."""
    with MongoClient[dict[str, Any]](uri) as client:
        before = client.admin.command({"getParameter": 1, PARAMETER: 1})[PARAMETER]
        client.admin.command({"setParameter": 1, PARAMETER: 1})
        try:
            yield
        finally:
            client.admin.command({"setParameter": 1, PARAMETER: before})
