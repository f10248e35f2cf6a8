"""One record by the very code that runs use: its cells, and all that they cannot take."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import structlog
from tablesync.contracts.public_api.catalog import CellFault
from tablesync.contracts.public_api.runs import RejectionView
from tablesync.sync_runner.airtable.cells import Cell, CoercionError, is_blank
from tablesync.sync_runner.pipeline.columns import Column
from tablesync.sync_runner.pipeline.mapper import OUR_FAULT
from tablesync.sync_runner.pipeline.plan import Plan
from tablesync.sync_runner.pipeline.rejections import Rejection
from tablesync.sync_runner.sources.base import SourceRecord
from tablesync.sync_runner.values import Value

log = structlog.get_logger()


@dataclass(frozen=True)
class ReadRecord:
    """A record's cells by field id, those that a field can take, and why it would be rejected."""

    record: SourceRecord
    cells: Mapping[str, Cell]
    faults: tuple[CellFault, ...]


def read_record(record: SourceRecord, plan: Plan) -> ReadRecord:
    """Make a record's cells, each for itself: a run stops at the first that fails."""
    if record.fault is not None:
        return ReadRecord(record, {}, (_of_the_record(record.fault),))
    cells: dict[str, Cell] = {}
    faults = []
    for column in plan.columns:
        value = record.values.get(column.source.name)
        try:
            cells[column.field.id] = column.cell(value)
        except CoercionError as error:
            faults.append(_of_the_cell(column, error))
        except Exception as error:  # nothing of one record is a fault of the request
            faults.append(_of_the_record(error))
    key = plan.key.field.id
    if key in cells and is_blank(cells[key]):
        faults.append(_without_key(plan.key))
    return ReadRecord(record, cells, tuple(faults))


def rejection_view(shown: Rejection) -> RejectionView:
    """Show a record that was rejected."""
    remedy = sentence(shown.remedy) if shown.remedy else None
    return RejectionView.model_validate({**asdict(shown), "remedy": remedy})


def told(value: Value) -> Any:
    """Return a value as JSON tells it: numbers as their source writes them."""
    if isinstance(value, tuple):
        return list(value)
    return value if value is None or isinstance(value, bool | str) else str(value)


def sentence(words: str) -> str:
    """Return a remedy as a sentence of its own."""
    return f"{words[:1].upper()}{words[1:]}."


def _of_the_cell(column: Column, error: CoercionError) -> CellFault:
    unfit = error.unfit
    return CellFault(
        field_id=column.field.id,
        field=column.field.name,
        value=unfit.value if unfit else None,
        message=unfit.why if unfit else str(error),
        remedy=sentence(unfit.remedy) if unfit else None,
    )


def _of_the_record(fault: str | Exception) -> CellFault:
    """Tell what is wrong with all of it; what our own code failed with is logged."""
    if not isinstance(fault, str):
        log.error("record not read", error=repr(fault)[:200], exc_info=fault)
        fault = OUR_FAULT
    return CellFault(field_id=None, field=None, value=None, message=fault)


def _without_key(key: Column) -> CellFault:
    return CellFault(
        field_id=key.field.id,
        field=key.field.name,
        value=None,
        message=f'its key "{key.source.name}" is empty',
        remedy="Fill it in at its source, or choose another key.",
    )
