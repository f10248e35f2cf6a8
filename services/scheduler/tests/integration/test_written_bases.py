"""The bases that syncs write to over a connection: told by base, however many syncs there are."""

from typing import Any

import pytest
from scheduler_examples import AIRTABLE, TABLE, WORKSPACE
from scheduler_rig import Rig
from tablesync.contracts import Destination
from tablesync.contracts.internal_api import NAMED_SYNCS, WRITTEN_BASES_LIMIT, WrittenBase
from tablesync.scheduler.domain.syncs import Sync

pytestmark = pytest.mark.integration

BASE, OTHER = "appAcme0000000001", "appAcme0000000002"


async def add(rig: Rig, name: str, base_id: str = BASE, **names: str) -> Sync:
    """Store a sync to a base, which was called so when it was last checked."""
    to = Destination(connection_id=AIRTABLE, base_id=base_id, table_id=TABLE.id)
    return await rig.add(name=name, destination=to, names=names)


async def written(rig: Rig) -> list[WrittenBase]:
    syncs = rig.store.syncs
    return await syncs.written_bases(WORKSPACE, AIRTABLE, "", WRITTEN_BASES_LIMIT)


async def test_a_base_is_called_as_the_newest_sync_that_knows_its_name_calls_it(rig: Rig) -> None:
    await add(rig, "Older", **{BASE: "Its old name", TABLE.id: "Contacts"})
    await add(rig, "Newer", **{BASE: "Its new name"})
    await add(rig, "Newest")
    await add(rig, "Elsewhere", OTHER, **{BASE: "Of another base"})

    bases = await written(rig)

    names = ("Newer", "Newest", "Older")
    assert bases == [
        WrittenBase(base_id=BASE, name="Its new name", syncs=3, sync_names=names),
        WrittenBase(base_id=OTHER, name=None, syncs=1, sync_names=("Elsewhere",)),
    ]


async def test_of_many_syncs_the_first_names_are_told(rig: Rig) -> None:
    for number in range(NAMED_SYNCS + 3):
        await add(rig, f"Sync {number}")
    (base,) = await written(rig)
    assert base.syncs == NAMED_SYNCS + 3
    assert base.sync_names == tuple(f"Sync {number}" for number in range(NAMED_SYNCS))


@pytest.mark.parametrize(
    "odd",
    [
        {"names": "tomorrow's"},
        {"names": {BASE: 7}},
        {"name": ["a", "b"]},
        {"destination": None},
        {"destination.base_id": ["app"]},
        {"overlap": "tomorrow's"},
    ],
    ids=str,
)
async def test_p29_a_sync_that_cannot_be_read_spoils_no_base(rig: Rig, odd: dict[str, Any]) -> None:
    await add(rig, "Healthy", **{BASE: "Acme deals"})
    bad = await add(rig, "Odd", **{BASE: "Acme deals"})
    await rig.database["syncs"].update_one({"_id": bad.id}, {"$set": odd})

    (base,) = await written(rig)

    assert (base.base_id, base.name) == (BASE, "Acme deals")
    assert "Healthy" in base.sync_names
