"""What MongoDB does by the clock, as often as tests like to wait for it."""

from typing import Any

from pymongo import MongoClient

# A MongoDB that has just been started is in the middle of a wait of a minute.
PATIENCE_SECONDS = 150.0


def make_prompt(uri: str) -> None:
    """Have MongoDB look each second for what expires, and let nobody wait for its journal.

    Until it is started again; who drops a database waits for the journal's next turn, which comes
    ten times a second by itself, and at 5 ms costs a MongoDB that is idle 4 % of a core.
    """
    often = {"ttlMonitorSleepSecs": 1, "journalCommitInterval": 20}
    with MongoClient[dict[str, Any]](uri) as client:
        client.admin.command({"setParameter": 1, **often})
