"""What the integration tests share: the loops that ask peers, with real clients of them."""

from collections.abc import AsyncIterator
from datetime import datetime

import pytest
import pytest_asyncio
from scheduler_http import ask_as_scheduler
from scheduler_rig import Rig
from tablesync.local_stack.keys import ServiceKeys
from tablesync.scheduler.clients.auth_service import AuthServiceClient
from tablesync.scheduler.clients.sync_runner import SyncRunnerClient
from tablesync.scheduler.known_states import KnownStates
from tablesync.scheduler.loops.rechecks import Rechecks
from tablesync.scheduler.loops.reconciliation import Reconciliation
from tablesync.test_kit.stand_ins import AuthServiceStandIn, SyncRunnerStandIn


def at_once(now: datetime) -> datetime:
    return now


@pytest_asyncio.fixture
async def runner(
    sync_runner: SyncRunnerStandIn, service_keys: ServiceKeys
) -> AsyncIterator[SyncRunnerClient]:
    async with ask_as_scheduler(sync_runner, service_keys) as http:
        yield SyncRunnerClient(http)


@pytest_asyncio.fixture
async def states(
    rig: Rig, auth_service: AuthServiceStandIn, service_keys: ServiceKeys
) -> AsyncIterator[KnownStates]:
    async with ask_as_scheduler(auth_service, service_keys) as http:
        yield KnownStates(AuthServiceClient(http), rig.units, rig.store, rig.handlers)


@pytest.fixture
def reconciliation(rig: Rig, runner: SyncRunnerClient, states: KnownStates) -> Reconciliation:
    return Reconciliation(rig.units, rig.store, states, runner, rig.handlers, at_once)


@pytest.fixture
def rechecks(rig: Rig, runner: SyncRunnerClient) -> Rechecks:
    return Rechecks(rig.units, rig.store, runner, at_once)
