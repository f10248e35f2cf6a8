"""What the integration tests share beside the scheduler's parts."""

from datetime import timedelta
from typing import Any

import pytest
from tablesync.scheduler.domain.schedules import Interval


@pytest.fixture
def pass_time(scheduler: Any) -> Any:
    """Return a function that lets time pass for all syncs, by moving their past further back."""

    async def move(seconds: float) -> None:
        back = {"$subtract": ["$$each", round(seconds * 1000)]}

        def moved(name: str) -> dict[str, Any]:
            value = {"$let": {"vars": {"each": f"${name}"}, "in": back}}
            return {"$cond": [{"$eq": [{"$type": f"${name}"}, "date"]}, value, f"${name}"]}

        present = ("anchor", "next_slot_at", "due_at", "created_at")
        stages = [{"$set": {name: moved(name) for name in present}}]
        await scheduler.database["syncs"].update_many({}, stages)
        for name in ("missed.from_", "planned.at", "last_catch_up_at"):
            await scheduler.database["syncs"].update_many(
                {name: {"$type": "date"}}, [{"$set": {name: moved(name)}}]
            )
        for run in await scheduler.database["runs"].find().to_list(None):
            fields = ("slot", "requested_at", "started_at", "ended_at", "checked_at")
            dates = {
                name: run[name] - timedelta(seconds=seconds) for name in fields if run.get(name)
            }
            await scheduler.database["runs"].update_one({"_id": run["_id"]}, {"$set": dates})
        await scheduler.database["connection_holds"].update_many(
            {}, [{"$set": {"changed_at": moved("changed_at")}}]
        )

    return move


@pytest.fixture
def new_scheduler(scheduler: Any) -> Any:
    """Return the class of the parts, for a second scheduler beside the first."""
    return type(scheduler)


@pytest.fixture
def add_many(scheduler: Any, new_sync: Any) -> Any:
    """Return a function that stores many syncs whose first slot was due so long ago."""

    async def add(count: int, due_seconds_ago: float, **changes: Any) -> None:
        schedule = changes.pop("schedule", Interval(every_seconds=3600))
        anchor = await scheduler.now() - schedule.length - timedelta(seconds=due_seconds_ago)
        documents = [
            new_sync(schedule=schedule, anchor=anchor, **changes).to_document()
            for _ in range(count)
        ]
        await scheduler.database["syncs"].insert_many(documents)

    return add
