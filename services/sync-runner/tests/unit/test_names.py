"""People read names: an id stands behind the name that it had, also once it is gone."""

import pytest
from tablesync.sync_runner.airtable.names import told_by_names, with_names
from tablesync.sync_runner.errors import RunFailedError

NAMES = {"fldL3PrLzlWgCg6b9": "Amount", "tblZ3cW8yH1sD5fGj": "Deals", "appQ7xN2mK4rT9vLb": "CRM"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            'Field fldL3PrLzlWgCg6b9 is no longer in table "Deals".',
            'Field "Amount" (fldL3PrLzlWgCg6b9) is no longer in table "Deals".',
        ),
        (
            "Table tblZ3cW8yH1sD5fGj is not in base appQ7xN2mK4rT9vLb.",
            'Table "Deals" (tblZ3cW8yH1sD5fGj) is not in base "CRM" (appQ7xN2mK4rT9vLb).',
        ),
        (
            'Field "fldL3PrLzlWgCg6b9" cannot accept it',
            'Field "Amount" (fldL3PrLzlWgCg6b9) cannot accept it',
        ),
        ("Field fldL3PrLzlWgCg6b9x is another", "Field fldL3PrLzlWgCg6b9x is another"),
        ("HubSpot answered 400", "HubSpot answered 400"),
    ],
)
def test_an_id_stands_behind_its_name(text: str, told: str) -> None:
    assert with_names(text, NAMES) == told


def test_a_name_cannot_turn_the_text_around_it() -> None:
    told = with_names("Field fld1 is gone.", {"fld1": "gro\u202eup\u200b"})
    assert told == 'Field "group" (fld1) is gone.'


def test_what_has_no_name_keeps_its_id() -> None:
    assert with_names("Field fldL3PrLzlWgCg6b9 is gone", {}) == "Field fldL3PrLzlWgCg6b9 is gone"


def test_a_name_is_kept_short_and_on_one_line() -> None:
    told = with_names("Table tbl1 is gone", {"tbl1": "a\nb" + "x" * 200})
    assert told == f'Table "a b{"x" * 76}…" (tbl1) is gone'


def test_what_ends_a_run_is_told_by_names() -> None:
    with pytest.raises(RunFailedError) as ended, told_by_names({"fld1": "Sum"}):
        raise RunFailedError.mapping("Field fld1 is gone.")
    assert ended.value.summary == 'Field "Sum" (fld1) is gone.'
