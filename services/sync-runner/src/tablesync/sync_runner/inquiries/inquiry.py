"""A sync that somebody asks about, which need not exist: checked, and opened at both ends."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tablesync.contracts import FieldMapping, Provider, Source, SyncSpec
from tablesync.contracts.public_api.catalog import TriedSync
from tablesync.service_kit.http.problems import invalid
from tablesync.sync_runner.airtable.client import AirtableClient
from tablesync.sync_runner.inquiries.faults import raise_faults
from tablesync.sync_runner.inquiries.reach import Reach
from tablesync.sync_runner.pipeline.plan import Plan, make_plan
from tablesync.sync_runner.sources import base


@dataclass(frozen=True)
class Inquiry:
    """What a run of the sync would begin with."""

    plan: Plan
    source: base.Source
    opening: base.Opening
    client: AirtableClient

    @property
    def object(self) -> str:
        """The object whose records are asked about."""
        return self.plan.spec.source.object


class Inquiries:
    """Opens syncs that a workspace asks about."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach

    async def origin(self, workspace_id: str, tried: TriedSync) -> str:
        """Return the account that a sync's records come from, as checkpoints name it."""
        return await self._reach.origin(workspace_id, tried.source.connection_id)

    @asynccontextmanager
    async def open(
        self, workspace_id: str, tried: TriedSync, known: Sequence[FieldMapping] = ()
    ) -> AsyncIterator[Inquiry]:
        """Open one; `known` is how the sync maps today, if it is one.

        Raises Problem 404 for a foreign connection, 422 naming each part that is not there.
        """
        from_, to = tried.source, tried.destination
        async with (
            self._reach.source(workspace_id, from_.connection_id) as source,
            self._reach.destination(workspace_id, to.connection_id) as client,
        ):
            provider = await self._reach.provider_of(workspace_id, from_.connection_id)
            spec = _spec(workspace_id, tried, provider, known)
            if from_.object not in (names := [each.name for each in await source.objects()]):
                remedy = f"Choose one of: {', '.join(names)}."
                raise invalid("source.object", f"{from_.object} is not there", remedy)
            opening = await source.open(from_.object)
            tables = await client.tables(to.base_id)
            raise_faults(spec, opening.properties, tables)
            yield Inquiry(make_plan(spec, opening.properties, tables), source, opening, client)


def _spec(
    workspace_id: str, tried: TriedSync, provider: Provider, known: Sequence[FieldMapping]
) -> SyncSpec:
    """Return what a run would be told; the key is mapped once, as scheduler has it."""
    key = tried.key.value()
    return SyncSpec(
        sync_id="",
        workspace_id=workspace_id,
        name="",
        version=1,
        source=Source(**tried.source.model_dump(), provider=provider),
        destination=tried.destination.value(),
        key=key,
        mapping=tuple(each.beside(known) for each in tried.mapping if not each.is_of(key)),
    )
