"""The first step: a connection, and one of the kinds of record that it has."""

from typing import Any

from tablesync.client import AwayError, ProblemError
from tablesync.contracts.internal_api import SourceObject
from tablesync.contracts.public_api.connections import ConnectionView
from tablesync.contracts.wording import provider_label
from tablesync.dashboard.pages.making.draft import Draft
from tablesync.dashboard.pages.making.steps.base import (
    LOOK,
    Taken,
    called,
    connected,
    labelled,
    trouble,
)
from tablesync.dashboard.web.desk import Asked
from tablesync.dashboard.web.forms import Form


class SourceStep:
    """What is to be synced?"""

    name = "source"
    words = "Source"
    title = "What is to be synced?"
    template = "making/source.html"

    def is_done(self, draft: Draft) -> bool:
        """Whether a draft says what is read."""
        return draft.has_source

    async def show(self, asked: Asked, draft: Draft, form: Form) -> dict[str, Any]:
        """Show the sources, and what the chosen one has."""
        connections = await connected(asked, sources=True)
        chosen = _chosen(connections, form.get("connection", draft.connection))
        objects, why_not = await _objects(asked, chosen)
        return {
            "connections": [(each.id, labelled(each)) for each in connections],
            "chosen": chosen,
            "object": form.get("object", draft.object),
            "objects": objects,
            "why_not": why_not,
        }

    async def take(self, asked: Asked, draft: Draft, form: Form) -> Taken:
        """Take the connection; and the object, unless another connection was only looked at."""
        connections = await connected(asked, sources=True)
        chosen = _chosen(connections, form.get("connection"))
        if chosen is None:
            return Taken(draft, form.with_error("connection", "Choose a connection."))
        draft = draft.but(
            connection=chosen.id,
            connection_name=called(chosen),
            provider=provider_label(str(chosen.provider)),
        )
        if form.get(LOOK):
            return Taken(draft.but(object="", object_name=""), form)
        objects, why_not = await _objects(asked, chosen)
        found = next((each for each in objects if each.name == form.get("object")), None)
        if found is None:
            fault = why_not or "Choose what is to be synced."
            return Taken(draft, form.with_error("object", fault))
        return Taken(draft.but(object=found.name, object_name=found.label), form)


def _chosen(connections: list[ConnectionView], wanted: str) -> ConnectionView | None:
    """Return the one that is wanted; where none is, the only one or the first that works."""
    if wanted:
        return next((each for each in connections if each.id == wanted), None)
    return connections[0] if connections else None


async def _objects(
    asked: Asked, connection: ConnectionView | None
) -> tuple[tuple[SourceObject, ...], str]:
    if connection is None:
        return (), ""
    try:
        return (await asked.visitor.tablesync.catalog.objects(connection.id)).items, ""
    except (AwayError, ProblemError) as error:
        return (), trouble(error)
