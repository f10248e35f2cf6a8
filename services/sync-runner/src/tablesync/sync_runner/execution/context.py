"""What all runs of one process share."""

from dataclasses import dataclass

from tablesync.service_kit.mongo.unit_of_work import UnitsOfWork
from tablesync.sync_runner.access.connections import Connections
from tablesync.sync_runner.airtable.provider import Airtable
from tablesync.sync_runner.execution.progress_board import ProgressBoard
from tablesync.sync_runner.execution.run_queue import RunQueue
from tablesync.sync_runner.sources import Sources


@dataclass(frozen=True)
class RunContext:
    """The parts that an execution works with."""

    units: UnitsOfWork
    queue: RunQueue
    connections: Connections
    sources: Sources
    airtable: Airtable
    board: ProgressBoard
    writes_in_flight: int
    page_bytes: int
    answer_bytes: int
