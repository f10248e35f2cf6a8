"""MongoDB's own expiry, as tests can wait for it: it looks each second, not each minute."""

from typing import Any

from pymongo import MongoClient

# A MongoDB that has just been started is in the middle of a wait of a minute.
PATIENCE_SECONDS = 150.0


def expire_promptly(uri: str) -> None:
    """Have MongoDB look each second for documents that expire, until it is started again."""
    with MongoClient[dict[str, Any]](uri) as client:
        client.admin.command({"setParameter": 1, "ttlMonitorSleepSecs": 1})
