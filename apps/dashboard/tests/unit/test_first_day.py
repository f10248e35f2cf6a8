"""The first day calls providers by the names that they give themselves."""

from typing import Any

from tablesync.contracts.public_api.connection_uses import ConnectionUse
from tablesync.contracts.public_api.connections import ConnectionView, ProviderView
from tablesync.dashboard.pages.integrations import FoundDeck
from tablesync.dashboard.shown.cards import Deck
from tablesync.dashboard.shown.first_day import Progress, first_day

EXAMPLE: Any = ProviderView.model_json_schema()["examples"][0]
CONNECTION: Any = ConnectionView.model_json_schema()["examples"][0]
USE: Any = ConnectionUse.model_json_schema()["examples"][0]


def provider(name: str, label: str, *, is_source: bool) -> ProviderView:
    return ProviderView.model_validate(
        {**EXAMPLE, "name": name, "label": label, "is_source": is_source}
    )


TABLES = provider("airtable", "Tables of Tomorrow", is_source=False)
SOURCE = provider("hubspot", "Hub of Tomorrow", is_source=True)


def test_the_target_is_called_as_it_calls_itself() -> None:
    steps = first_day([], [TABLES, SOURCE], [])
    assert steps[0].title == "Connect Tables of Tomorrow"
    assert steps[0].choices == [TABLES]
    assert steps[3].text == "They appear here and in Tables of Tomorrow at the same time."


def test_a_sync_is_made_once_both_ends_are_connected() -> None:
    both = [
        ConnectionView.model_validate({**CONNECTION, "provider": each})
        for each in ("airtable", "hubspot")
    ]
    steps = first_day(both, [TABLES, SOURCE], [])
    assert [each.makes_a_sync for each in steps] == [False, False, True, False]
    assert steps[2].progress is Progress.CURRENT


def test_the_first_day_is_over_when_rows_are_there() -> None:
    assert not first_day([], [TABLES, SOURCE], [ConnectionUse.model_validate(USE)])


def test_a_workspace_of_more_than_a_page_has_had_its_first_day() -> None:
    """Worst come first: that nothing has run through those says nothing of the others."""
    lost = ConnectionView.model_validate({**CONNECTION, "provider": "hubspot"})
    deck = Deck([lost], {}, {}, ())
    offered = [TABLES, SOURCE]
    assert FoundDeck(deck, total=1, next_cursor=None, silent=()).first_steps(offered)
    assert not FoundDeck(deck, total=51, next_cursor="more", silent=()).first_steps(offered)
