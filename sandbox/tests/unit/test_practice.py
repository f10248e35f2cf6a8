"""What people can do to a provider, to watch a recovery."""

import pytest
from tablesync.sandbox.control.practice import ways
from tablesync.sandbox.control.routes import ControlRoutes
from tablesync.sandbox.people import AIRTABLE_USERS, PORTALS
from tablesync.sandbox.settings import Settings
from tablesync.sandbox.world import World

ACCOUNTS = {"hubspot": next(iter(PORTALS)), "airtable": next(iter(AIRTABLE_USERS))}


@pytest.mark.parametrize("provider", ACCOUNTS)
def test_each_way_that_is_offered_can_be_taken(provider: str) -> None:
    control = ControlRoutes(World(Settings(contacts=1, companies=0, deals=0)))
    offered = ways(provider)
    assert len({each["title"] for each in offered}) == len(offered) > 2
    for way in offered:
        control.perform(provider, ACCOUNTS[provider], way["action"], way["body"])
