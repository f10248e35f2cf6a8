"""What the client asks of sync-runner, and that it reads the answers."""

from datetime import timedelta

import httpx
import pytest
from inquirer import signed_in, tried
from sync_runner_rig import AIRTABLE, HUBSPOT, Rig, text
from tablesync.client import InvalidError, NotFoundError, TableSync
from tablesync.client.credentials import Exchange
from tablesync.contracts.public_api.catalog import (
    ChangeKind,
    ExplainedRecord,
    NewDryRun,
    NewTable,
    TriedSync,
)
from tablesync.local_stack.keys import ServiceKeys
from tablesync.test_kit import NO_TLS, eventually


class Given:
    """A token that somebody has already."""

    def __init__(self, headers: dict[str, str]) -> None:
        self._token = headers["Authorization"].removeprefix("Bearer ")

    def use(self, exchange: Exchange) -> None:
        """Exchange nothing."""

    async def token(self) -> str:
        """Return it."""
        return self._token

    def forget(self) -> None:
        """Have no other."""


async def test_what_a_sync_would_do_is_asked_through_the_client(
    rig: Rig, service_keys: ServiceKeys
) -> None:
    spec, who = await rig.spec("deals"), Given(signed_in(service_keys))
    first = (await rig.deals())[0]["id"]
    asked = {**tried(spec, sync_id=spec.sync_id), "record": first}
    async with rig.runner("worker") as url, httpx.AsyncClient(verify=NO_TLS, timeout=30) as http:
        tablesync = TableSync({"sync-runner": url}, who, http=http)
        trial = await tablesync.trials.make(TriedSync.model_validate(tried(spec)))
        dry = await tablesync.dry_runs.start(NewDryRun.model_validate(tried(spec)))

        async def counted() -> bool:
            return (await tablesync.dry_runs.get(dry.id)).status == "done"

        await eventually(counted)
        found = await tablesync.dry_runs.cancel(dry.id)
        run = await rig.run(spec)
        told = await tablesync.explanations.make(ExplainedRecord.model_validate(asked))
        progress = await tablesync.runs.progress(run["_id"])
        base = await rig.new_base("Own", {"name": "T", "fields": [text("Name")]})
        wanted = NewTable.model_validate({"name": "Deals", "fields": [text("HubSpot ID")]})
        made = await tablesync.catalog.create_table(AIRTABLE, base["id"], wanted)
        with pytest.raises(InvalidError) as refused:
            await tablesync.catalog.create_table(AIRTABLE, base["id"], wanted)
        with pytest.raises(NotFoundError):
            await tablesync.catalog.create_table(HUBSPOT, base["id"], wanted)
    assert (len(trial.records), trial.rejected, trial.records[0].source_id) == (10, 0, first)
    assert (found.status, found.created, found.updated) == ("done", 20, 0), "it has ended before"
    assert {each.kind for each in found.changes} == {ChangeKind.CREATE}
    assert (told.source_id, told.run_id, told.in_airtable) == (first, run["_id"], True)
    assert told.written_at
    assert abs(told.written_at - run["ended_at"]) < timedelta(minutes=1)
    assert (progress.counts.written, progress.phase) == (20, None)
    assert [each.name for each in made.fields] == ["HubSpot ID"]
    assert [each.field for each in refused.value.problem.errors] == ["name"]
