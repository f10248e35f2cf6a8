"""One stand-in for each peer: small real services that answer with the contract's models.

They replace nothing that can run; they are for tests of one service, which says what its peers
know. `tests/contracts` runs one suite against each stand-in and against the real service.
"""

from tablesync.test_kit.stand_ins.auth_service import (
    AuthServiceStandIn,
    HeldConnection,
    Reported,
)
from tablesync.test_kit.stand_ins.base import Asked, StandIn
from tablesync.test_kit.stand_ins.scheduler import KnownSync, SchedulerStandIn, affected_sync
from tablesync.test_kit.stand_ins.sync_runner import (
    CatalogConnection,
    SyncRunnerStandIn,
    airtable_field,
    run_state,
)

__all__ = [
    "Asked",
    "AuthServiceStandIn",
    "CatalogConnection",
    "HeldConnection",
    "KnownSync",
    "Reported",
    "SchedulerStandIn",
    "StandIn",
    "SyncRunnerStandIn",
    "affected_sync",
    "airtable_field",
    "run_state",
]
