"""What HubSpot tells of an object's properties: odd parts of it are odd alone."""

from collections.abc import Callable, Mapping

import pytest
from hostile_hubspot import hostile_runner
from sync_runner_rig import Json, Rig

PROPERTIES = "/crm/properties/"
ODD: Mapping[str, object] = {
    "nothing": None,
    "a text": "amount",
    "no name": {"name": None},
    "no label": {"label": None},
    "a label of another kind": {"label": {"en": "Odd"}},
    "no type": {"type": None},
    "a field type of another kind": {"fieldType": {"name": "text"}},
    "a hint of another kind": {"numberDisplayHint": ["duration"]},
    "no options": {"options": None},
    "options of another kind": {"options": {"value": "1"}},
    "an option that is true": {"options": [{"value": True, "label": "Yes"}]},
    "an option called true": {"options": [{"value": "yes", "label": True}]},
}


def definition(odd: object) -> object:
    """Return the definition of a property that nobody maps, as odd as this."""
    plain = {"name": "odd", "label": "Odd", "type": "string", "fieldType": "text"}
    return plain | odd if isinstance(odd, dict) else odd


def change(name: str, /, **odd: object) -> Callable[[Json], Json]:
    """Return what changes the definition of one property."""

    def edit(answer: Json) -> Json:
        told = [each | odd if each["name"] == name else each for each in answer["results"]]
        return answer | {"results": told}

    return edit


@pytest.mark.parametrize("name", ODD)
async def test_p29_an_odd_property_that_is_not_mapped_stops_nobody(rig: Rig, name: str) -> None:
    def add(answer: Json) -> Json:
        return answer | {"results": [definition(ODD[name]), *answer["results"]]}

    spec = await rig.spec("deals")
    async with hostile_runner(rig) as hubspot:
        hubspot.edit(PROPERTIES, add)
        row = await rig.run(spec)
        asked = [each for each in hubspot.asked if PROPERTIES in each]
    assert row["status"] == "succeeded", row["summary"]
    assert len(asked) <= 2
    assert not await rig.differences(spec)


@pytest.mark.parametrize("odd", [{"label": None}, {"name": None}, {"name": ["amount"]}])
async def test_a_mapped_property_that_is_odd_is_the_providers_trouble(rig: Rig, odd: Json) -> None:
    spec = await rig.spec("deals")
    async with hostile_runner(rig) as hubspot:
        hubspot.edit(PROPERTIES, change("amount", **odd))
        row = await rig.run(spec)
    assert (row["status"], row["cause"]) == ("failed", "provider"), row["summary"]
    assert row["summary"] == 'HubSpot tells something of property "amount" that is not understood.'


@pytest.mark.parametrize(
    "edit",
    [change("amount", type={}), lambda answer: answer | {"results": []}],
    ids=["odd", "none"],
)
async def test_properties_that_are_odd_for_a_moment_are_asked_for_again(
    rig: Rig, edit: Callable[[Json], Json]
) -> None:
    spec = await rig.spec("deals")
    async with hostile_runner(rig) as hubspot:
        hubspot.edit(PROPERTIES, edit, times=1)
        row = await rig.run(spec)
    assert row["status"] == "succeeded", row["summary"]
    assert not await rig.differences(spec)
