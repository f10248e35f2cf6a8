"""The second step: an Airtable connection, a base that it was granted, and a table of it."""

from dataclasses import dataclass
from typing import Any

from tablesync.client import AwayError, ProblemError
from tablesync.contracts.internal_api import AirtableBase, AirtableTable
from tablesync.contracts.public_api.connections import ConnectionView
from tablesync.dashboard.pages.making.draft import Draft
from tablesync.dashboard.pages.making.steps.base import (
    LOOK,
    MAKE,
    Taken,
    connected,
    labelled,
    trouble,
)
from tablesync.dashboard.web.desk import Asked
from tablesync.dashboard.web.forms import Form


@dataclass(frozen=True)
class _Offered:
    """What there is to choose from, as far as the choices before it are made."""

    connections: list[ConnectionView]
    target: ConnectionView | None = None
    bases: tuple[AirtableBase, ...] = ()
    base: AirtableBase | None = None
    tables: tuple[AirtableTable, ...] = ()
    why_not: str = ""


class TableStep:
    """Where does it go?"""

    name = "table"
    words = "Table"
    title = "Where does it go?"
    template = "making/table.html"

    def is_done(self, draft: Draft) -> bool:
        """Whether a draft says where to write."""
        return draft.has_table

    async def show(self, asked: Asked, draft: Draft, form: Form) -> dict[str, Any]:
        """Show bases, and the tables of the chosen one."""
        target, base = form.get("target", draft.target), form.get("base", draft.base)
        offered = await _offered(asked, target, base)
        return {
            "connections": [(each.id, labelled(each)) for each in offered.connections],
            "offered": offered,
            "table": form.get("table", draft.table),
        }

    async def take(self, asked: Asked, draft: Draft, form: Form) -> Taken:
        """Take base and table; of a table that is looked for or to be made, the base alone."""
        offered = await _offered(asked, form.get("target"), form.get("base"))
        target, base = offered.target, offered.base
        table = next((each for each in offered.tables if each.id == form.get("table")), None)
        looks = bool(form.get(LOOK) or form.get(MAKE))
        if looks:
            table = None
        draft = draft.but(
            target=target.id if target else "",
            base=base.id if base else "",
            base_name=base.name if base else "",
            table=table.id if table else "",
            table_name=table.name if table else "",
        )
        if offered.why_not:
            return Taken(draft, form.with_error("table", offered.why_not))
        if looks or table:
            return Taken(draft, form)
        field = "base" if base is None else "table"
        return Taken(draft, form.with_error(field, f"Choose a {field}."))


async def _offered(asked: Asked, wanted_target: str, wanted_base: str) -> _Offered:
    connections = await connected(asked, sources=False)
    wanted = [each for each in connections if each.id == wanted_target]
    target = next(iter(wanted or connections), None)
    if target is None:
        return _Offered(connections)
    catalog = asked.visitor.tablesync.catalog
    try:
        bases = (await catalog.bases(target.id)).items
        base = next((each for each in bases if each.id == wanted_base), None)
        base = base or (bases[0] if len(bases) == 1 else None)
        tables = (await catalog.tables(target.id, base.id)).items if base else ()
    except (AwayError, ProblemError) as error:
        return _Offered(connections, target, why_not=trouble(error))
    return _Offered(connections, target, bases, base, tables)
