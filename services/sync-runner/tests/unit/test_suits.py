"""A type of field that is said to suit a property takes whatever the property may be."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from tablesync.sync_runner.airtable.cells import coerce
from tablesync.sync_runner.airtable.schema import SELECTS, Field
from tablesync.sync_runner.inquiries.suits import suits
from tablesync.sync_runner.values import Unit, Value, ValueKind

OPTIONS = {"choices": [{"name": "gold"}, {"name": "two words"}]}
VALUES: dict[ValueKind, list[Value]] = {
    ValueKind.TEXT: ["gold", "two words"],
    ValueKind.NUMBER: [Decimal("-12.75"), Decimal(0), Decimal(7)],
    ValueKind.BOOL: [True, False],
    ValueKind.DATE: [date(2026, 2, 28)],
    ValueKind.MOMENT: [datetime(2026, 2, 28, 23, 59, tzinfo=UTC)],
    ValueKind.TEXTS: [("gold",), ("gold", "two words"), ()],
}


@pytest.mark.parametrize("kind", ValueKind)
@pytest.mark.parametrize("has_options", [False, True])
@pytest.mark.parametrize("unit", [None, Unit.MILLISECONDS])
def test_what_suits_takes_every_value(
    kind: ValueKind, has_options: bool, unit: Unit | None
) -> None:
    types = suits("email", kind, has_options=has_options, unit=unit)
    assert len(types) == len(set(types)) > 1
    assert "singleLineText" in types, "a text takes anything"
    for each in types:
        field = Field("fld1", "Field", each, OPTIONS if each in SELECTS else {})
        for value in VALUES[kind]:
            coerce(value, field)  # raises what it cannot take
