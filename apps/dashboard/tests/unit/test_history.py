"""The history of one sync says of which, and leads back to that of all."""

from types import SimpleNamespace
from typing import Any

import pytest
from tablesync.client import AwayError, NotFoundError
from tablesync.client.errors import Problem
from tablesync.contracts.public_api.runs import RunView
from tablesync.contracts.public_api.syncs import SyncView
from tablesync.dashboard.pages.runs import name_of
from tablesync.dashboard.web.rendering import Rendering

SYNC: Any = SyncView.model_json_schema()["examples"][0]
RUN: Any = RunView.model_json_schema()["examples"][0]
GONE = NotFoundError("scheduler", Problem(404, "about:blank", "There is no such sync."))


@pytest.mark.parametrize(
    ("sync", "told"),
    [
        (SyncView.model_validate({**SYNC, "name": "Deals"}), "Deals"),
        (GONE, "a deleted sync"),
        (AwayError("scheduler", "does not answer"), "one sync"),
    ],
)
async def test_runs_of_one_sync_say_of_which(sync: SyncView | Exception, told: str) -> None:
    class Syncs:
        async def get(self, _: str) -> SyncView:
            if isinstance(sync, Exception):
                raise sync
            return sync

    asked: Any = SimpleNamespace(visitor=SimpleNamespace(tablesync=SimpleNamespace(syncs=Syncs())))
    assert await name_of(asked, "syn_1", ()) == told
    assert await name_of(asked, "syn_1", [RunView.model_validate(RUN)]) == RUN["sync_name"]
    assert await name_of(asked, "", ()) == ""


def test_the_way_back_to_the_runs_of_all_syncs_keeps_the_other_filters() -> None:
    query = {"sync": "syn_1", "status": "failed"}
    line = Rendering("test").part("parts/runs.html", "only_of", "Deals", query)
    assert "Only of" in line
    assert 'href="?status=failed&amp;"' in line
    assert not Rendering("test").part("parts/runs.html", "only_of", "", query).strip()
