"""The runner of both syncs: a process that is killed, cut off and refused in the middle of runs."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from runner_process import RunnerProcess
from sync_runner_rig import AIRTABLE, HUBSPOT, Rig
from tablesync.contracts import Provider, Trigger
from tablesync.service_kit.mongo import Document
from tablesync.test_kit import eventually

from anything.table import Table

# Short, so that a killed runner is soon followed by another; not so short that a busy one loses it.
LEASES = {"RUNNER_LEASE_SECONDS": "4", "RUNNER_REQUEST_SECONDS": "2"}
SLOW_MS = 60
PROVIDERS = (Provider.HUBSPOT, Provider.AIRTABLE)


class Runner:
    """Runs the syncs of some tables at once."""

    def __init__(self, rig: Rig) -> None:
        self.tables: Sequence[Table] = ()
        self.kills = 0
        self.rig = rig
        self._process = self._start()

    def _start(self) -> RunnerProcess:
        return self.rig.process(**LEASES)

    def serve(self, tables: Sequence[Table]) -> None:
        """Run the syncs of these tables from now on."""
        self.tables, self.kills = tables, 0

    async def run(self, *, check: bool = False) -> list[Document]:
        """Run both to their ends; with `check` they check everything."""
        return await self._ended(await self._enqueue(check=check))

    async def run_while(
        self, deed: Callable[[], Awaitable[None]], *, check: bool, calls: int
    ) -> list[Document]:
        """Do something once the providers have seen so many calls of both runs."""
        async with self._slowed_down():
            before = await self._calls()
            runs = await self._enqueue(check=check)
            await eventually(lambda: self._have_come_to(runs, before + calls))
            await deed()
        return await self._ended(runs)

    async def kill(self) -> None:
        """Kill the process with -9, and start another."""
        self.kills += 1
        self._process.kill()
        self._process.wait()
        self._process = self._start()

    async def lose(self, provider: Provider) -> None:
        """Have a provider end its grant."""
        account = self.rig.hubspot.account.id if provider is Provider.HUBSPOT else "-"
        await self.rig.sandbox.control(provider, account, "revoke")

    async def reconnect(self) -> None:
        """Connect again what is not connected, as a person does who was mailed."""
        for connection_id in (HUBSPOT, AIRTABLE):
            await self.rig.auth.reconnect(connection_id)

    async def _enqueue(self, *, check: bool) -> list[str]:
        trigger = Trigger.MANUAL if check else Trigger.SCHEDULE
        return [await self.rig.enqueue(each.spec, trigger, check=check) for each in self.tables]

    async def _ended(self, runs: Sequence[str]) -> list[Document]:
        return await asyncio.gather(*(self.rig.ended(each, timeout=120) for each in runs))

    async def _have_come_to(self, runs: Sequence[str], calls: int) -> bool:
        if await self._calls() >= calls:
            return True
        return all([(await self.rig.row(each))["ended_at"] for each in runs])

    async def _calls(self) -> int:
        counters = await self.rig.sandbox.counters()
        return sum(counters[each]["data_requests"] for each in PROVIDERS)

    @asynccontextmanager
    async def _slowed_down(self) -> AsyncIterator[None]:
        for each in PROVIDERS:
            await self.rig.slow_down(each, SLOW_MS)
        yield
        for each in PROVIDERS:
            await self.rig.slow_down(each, 0)
