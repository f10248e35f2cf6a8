"""What looks at queries finds those that an index is missing for, and no others."""

from typing import Any

import pytest
from pymongo import MongoClient
from tablesync.test_kit.query_plans import DATABASES, QueryPlans

pytestmark = pytest.mark.integration

RUN = "run_01997f2d-5f6a-7e35-84c6-9d5fab2e6a05"

SYNC = "syn_01997f2d-5f6a-7e35-84c6-9d5fab2e6a06"


@pytest.fixture
def runs(mongodb_uri: str, database_prefix: str) -> Any:
    with MongoClient[dict[str, Any]](mongodb_uri) as client:
        for name in DATABASES:
            client[database_prefix + name]["runs"].create_index([("status", 1), ("at", 1)])
            client[database_prefix + name]["runs"].create_index([("sync_id", 1)])
        yield client[f"{database_prefix}scheduler"]["runs"]


def faults_of(ask: Any, mongodb_uri: str, prefix: str) -> list[str]:
    with QueryPlans(mongodb_uri, prefix) as plans:
        ask()
        return plans.faults(plans.asked())


@pytest.mark.parametrize(
    ("ask", "fault"),
    [
        (lambda runs: runs.find_one({"name": "x"}), "whole collection"),
        (lambda runs: runs.update_many({"name": "x"}, {"$set": {"b": 1}}), "whole collection"),
        (lambda runs: runs.delete_one({"name": "x"}), "whole collection"),
        (lambda runs: runs.find_one_and_update({"name": "x"}, {"$set": {"b": 1}}), "whole"),
        (lambda runs: runs.count_documents({"name": "x"}), "whole collection"),
        (lambda runs: list(runs.aggregate([{"$match": {"name": "x"}}])), "whole collection"),
        (lambda runs: runs.find_one({"status": "open", "name": "x"}), "examines 301 for 0"),
        (lambda runs: runs.distinct("at", {"status": "open", "name": "x"}), "examines 301 for"),
        (lambda runs: list(runs.find({"status": "open"}).sort("name")), "sorts 301 in memory"),
        (lambda runs: runs.find_one({"sync_id": SYNC, "name": "x"}), "examines 151 for 0"),
        (lambda runs: list(runs.find({"sync_id": SYNC})), None),
        (lambda runs: runs.find_one({"_id": RUN}), None),
        (lambda runs: list(runs.find({"status": "open"})), None),
        (lambda runs: runs.find_one({"status": "open"}, sort=[("at", -1)]), None),
        (lambda runs: runs.update_one({"_id": RUN}, {"$set": {"name": "y"}}), None),
    ],
)
def test_a_query_that_reads_more_than_it_returns_is_found(
    runs: Any, mongodb_uri: str, database_prefix: str, ask: Any, fault: str | None
) -> None:
    runs.insert_one({"_id": RUN, "sync_id": SYNC, "status": "open", "at": 1, "name": "n"})
    found = faults_of(lambda: ask(runs), mongodb_uri, database_prefix)
    assert [fault in each for each in found] == ([True] if fault else []), found
