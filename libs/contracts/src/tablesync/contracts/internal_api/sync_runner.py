"""What sync-runner is asked: what a connection has to offer, and how runs stand."""

from collections.abc import Iterable
from typing import Any

from pydantic import Field
from pydantic.config import JsonDict
from tablesync.contracts.internal_api.base import Body, Items, is_empty, is_none, showing
from tablesync.contracts.specs import (
    Findings,
    Moment,
    RunCounts,
    RunFailureCause,
    RunStatus,
    Trigger,
)

# The most runs that are told of in one answer; whoever names more is told of the first ones.
RUN_IDS_LIMIT = 500

_OBJECT: JsonDict = {"name": "contacts", "label": "Contacts"}
_PROPERTY: JsonDict = {
    "name": "email",
    "label": "Email",
    "type": "string",
    "kind": "text",
    "suits": ["email", "singleLineText", "multilineText"],
}
_STAGE: JsonDict = {
    "name": "dealstage",
    "label": "Deal stage",
    "type": "enumeration",
    "kind": "text",
    "options": [{"value": "1043225341", "label": "Contract sent"}],
}
_BASE: JsonDict = {"id": "appAcme0000000001", "name": "Acme"}
_FIELD: JsonDict = {
    "id": "fldEmail000000001",
    "name": "E-mail",
    "type": "email",
    "options": {},
    "mergeable": False,
    "writable": True,
}
_TABLE: JsonDict = {"id": "tblContacts000001", "name": "Contacts", "fields": [_FIELD]}
_RUN: JsonDict = {
    "run_id": "run_01997f2d-5f6a-7e35-84c6-9d5fab2e6a05",
    "sync_id": "syn_01997f2c-0e1b-7d24-b3a5-7c4e9a1d5f04",
    "workspace_id": "ws_01997f2a-3c10-7a41-9d52-6b1f0c8e4a01",
    "trigger": "schedule",
    "status": "interrupted",
    "counts": {"read": 700, "written": 690, "unchanged": 10, "rejected": 0},
    "cause": "connection",
    "summary": "Access to the account was lost.",
    "connection_id": "con_01997f2b-91aa-7c13-a6e4-5d2b8f0c3e03",
    "slot": "2026-11-22T09:50:00.000Z",
    "started_at": "2026-11-22T09:50:00.214Z",
    "ended_at": "2026-11-22T09:52:42.010Z",
}


class SourceObject(Body):
    """A kind of record that a source has."""

    model_config = showing(_OBJECT)

    name: str
    label: str


class SourceObjects(Items[SourceObject]):
    """The objects of a source connection."""


class SourceOption(Body):
    """One of the values that a property can have, and what people see."""

    model_config = showing({"value": "1043225341", "label": "Contract sent"})

    value: str
    label: str


class SourceProperty(Body):
    """A property of an object, custom ones too."""

    model_config = showing(_PROPERTY, _STAGE)

    name: str
    label: str
    type: str = Field(description="The provider's own name for it.")
    kind: str | None = Field(
        default=None,
        exclude_if=is_none,
        description="What its values are, whoever the provider is: `text`, `number`, `bool`, "
        "`date` (a day in every time zone), `moment` or `texts` (a list).",
    )
    options: tuple[SourceOption, ...] = Field(
        default=(), exclude_if=is_empty, description="What it can be, if the provider says so."
    )
    unit: str | None = Field(
        default=None,
        exclude_if=is_none,
        description="What a number counts, if the provider says so: `milliseconds`, `seconds`, "
        "`minutes` or `hours`.",
    )
    suits: tuple[str, ...] = Field(
        default=(),
        exclude_if=is_empty,
        description="Types of Airtable fields that take its values, the best first.",
    )


class SourceProperties(Items[SourceProperty]):
    """The properties of an object, `id` first."""


class AirtableBase(Body):
    """An Airtable base that the grant covers."""

    model_config = showing(_BASE)

    id: str
    name: str


class AirtableBases(Items[AirtableBase]):
    """The bases that the grant covers."""


class AirtableField(Body):
    """A field of an Airtable table."""

    model_config = showing(_FIELD)

    id: str
    name: str
    type: str = Field(description="Airtable's own name for it.")
    options: dict[str, Any] = Field(default={}, description="As Airtable tells them.")
    mergeable: bool = Field(description="Whether rows can be found by this field's value.")
    writable: bool = Field(default=True, description="False for what Airtable computes.")


class AirtableTable(Body):
    """An Airtable table."""

    model_config = showing(_TABLE)

    id: str
    name: str
    fields: tuple[AirtableField, ...]


class AirtableTables(Items[AirtableTable]):
    """The tables of a base, with their fields."""


class RunState(Body):
    """How a run stands: all that is needed to make its event anew."""

    model_config = showing(_RUN)

    run_id: str
    sync_id: str
    workspace_id: str
    trigger: Trigger
    status: RunStatus
    counts: RunCounts = RunCounts()
    cause: RunFailureCause | None = None
    summary: str | None = Field(default=None, description="One sentence for people; may be empty.")
    connection_id: str | None = Field(default=None, description="Whose fault, if a connection's.")
    slot: Moment | None = Field(default=None, description="The due time; null when manual.")
    started_at: Moment | None = Field(
        default=None, description="UTC, by sync-runner's database clock; null while it waits."
    )
    ended_at: Moment | None = Field(
        default=None, description="UTC, by sync-runner's database clock; null until its end."
    )
    retry_at: Moment | None = Field(
        default=None, exclude_if=is_none, description="When a used-up quota is refilled."
    )
    found: Findings | None = Field(
        default=None,
        exclude_if=is_none,
        description="Of a run that checked everything, or went on with a check.",
    )


class RunStates(Items[RunState]):
    """The runs that were asked about; one that sync-runner does not know is left out."""

    unread_ids: tuple[str, ...] = Field(
        default=(),
        exclude_if=is_empty,
        description="Runs that it knows and cannot tell of: a newer version has written them.",
    )

    def unknown(self, run_ids: Iterable[str]) -> set[str]:
        """Return those of the runs asked about that sync-runner does not know.

        What could not be read is known, and whichever run it is if it does not even say that.
        """
        unread = {_run_id_of(each.item) for each in self.unreadable}
        if None in unread:
            return set()
        known = {each.run_id for each in self.items}
        return set(run_ids) - unread - known - set(self.unread_ids)


def _run_id_of(item: Any) -> str | None:
    run_id = item.get("run_id") if isinstance(item, dict) else None
    return run_id if isinstance(run_id, str) else None
