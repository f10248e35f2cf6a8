"""The catalogue: what a connection has to offer, asked of its provider within the budgets."""

from tablesync.contracts.internal_api import (
    AirtableBases,
    AirtableField,
    AirtableTable,
    AirtableTables,
    SourceObject,
    SourceObjects,
    SourceOption,
    SourceProperties,
    SourceProperty,
)
from tablesync.service_kit.http.problems import not_found
from tablesync.sync_runner.airtable.cells import is_writable
from tablesync.sync_runner.airtable.schema import Field, Table
from tablesync.sync_runner.inquiries.reach import Reach
from tablesync.sync_runner.inquiries.suits import suits
from tablesync.sync_runner.sources import base


class Catalog:
    """Answers for one workspace at a time; unknown and foreign connections are not found."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach

    async def objects(self, workspace_id: str, connection_id: str) -> SourceObjects:
        """Return the objects of a source."""
        async with self._reach.source(workspace_id, connection_id) as source:
            found = await source.objects()
        return SourceObjects(items=tuple(SourceObject(**vars(each)) for each in found))

    async def properties(
        self, workspace_id: str, connection_id: str, object_: str
    ) -> SourceProperties:
        """Return the properties of an object, `id` first."""
        async with self._reach.source(workspace_id, connection_id) as source:
            if object_ not in {each.name for each in await source.objects()}:
                raise not_found("object")
            found = (await source.open(object_)).properties
        return SourceProperties(
            items=tuple(_shown_property(each) for each in found if each.understood)
        )

    async def bases(self, workspace_id: str, connection_id: str) -> AirtableBases:
        """Return the bases that were granted."""
        async with self._reach.destination(workspace_id, connection_id) as client:
            return AirtableBases(items=tuple(await client.bases()))

    async def tables(self, workspace_id: str, connection_id: str, base_id: str) -> AirtableTables:
        """Return the tables of a base, with their fields."""
        async with self._reach.destination(workspace_id, connection_id) as client:
            found = await client.tables(base_id)
        return AirtableTables(items=tuple(shown_table(each) for each in found if each.understood))


def _shown_property(found: base.SourceProperty) -> SourceProperty:
    return SourceProperty(
        name=found.name,
        label=found.label,
        type=found.type,
        kind=found.kind,
        options=tuple(SourceOption(**vars(each)) for each in found.options),
        unit=found.unit,
        suits=suits(found.name, found.kind, has_options=bool(found.options), unit=found.unit),
    )


def shown_table(table: Table) -> AirtableTable:
    """Show a table with its fields."""
    fields = tuple(_shown_field(each) for each in table.fields.values())
    return AirtableTable(id=table.id, name=table.name, fields=fields)


def _shown_field(field: Field) -> AirtableField:
    return AirtableField(
        id=field.id,
        name=field.name,
        type=field.type,
        options=dict(field.options),
        mergeable=field.mergeable,
        writable=is_writable(field.type),
    )
