"""Two edits of one sync at once, and where a service's faults stand in a form."""

import pytest
from tablesync.client import InvalidError
from tablesync.client.errors import FieldError, Problem
from tablesync.contracts import MappedAs
from tablesync.contracts.internal_api import AirtableField, SourceOption, SourceProperty
from tablesync.contracts.public_api.syncs import NewMapping
from tablesync.dashboard.pages.making import mapping_form
from tablesync.dashboard.pages.making.draft import Draft
from tablesync.dashboard.pages.making.merging import merged
from tablesync.dashboard.shown.making.edits import LEFT_OUT, Difference, differences, told_mapping
from tablesync.dashboard.web.forms import Form

pytestmark = pytest.mark.unit

NAME = AirtableField(id="fldName0000000001", name="Name", type="singleLineText", mergeable=True)
MAIL = AirtableField(id="fldMail0000000001", name="Mail", type="email", mergeable=False)
SUM = AirtableField(
    id="fldSum00000000001", name="Sum", type="rollup", mergeable=False, writable=False
)
FIELDS = [NAME, MAIL, SUM]
PROPERTIES = [
    SourceProperty(name="id", label="Record ID", type="string"),
    SourceProperty(name="email", label="Email", type="string"),
    SourceProperty(
        name="stage",
        label="Stage",
        type="enumeration",
        options=(SourceOption(value="w", label="Won"),),
    ),
]


def to(source: str, field: AirtableField, as_: MappedAs | None = None) -> NewMapping:
    return NewMapping(source=source, field_id=field.id, as_=as_)


WAS = Draft(
    name="Contacts",
    every=15,
    key="id",
    mapping=(to("id", NAME, MappedAs.VALUE), to("email", MAIL, MappedAs.VALUE)),
)


def test_what_each_of_two_edits_changed_is_kept() -> None:
    typed = WAS.but(every=2, unit="hours", mapping=(to("id", NAME), to("email", MAIL)))
    now = WAS.but(name="People", mapping=(to("id", NAME, MappedAs.VALUE),))

    both = merged(WAS, typed, now)

    assert (both.name, both.every, both.unit) == ("People", 2, "hours")
    assert both.mapping == now.mapping


def test_of_what_both_changed_mine_is_in_the_form() -> None:
    typed = WAS.but(name="Mine", mapping=(to("id", NAME),))
    now = WAS.but(name="Theirs")

    both = merged(WAS, typed, now)

    assert both.name == "Mine"
    assert [each.source for each in both.mapping or ()] == ["id"]


def test_differences_are_told_by_name_with_what_stands_in_the_form() -> None:
    before = told_mapping(
        [to("email", MAIL), to("stage", NAME, MappedAs.LABEL)], PROPERTIES, FIELDS
    )
    now = told_mapping([to("stage", NAME, MappedAs.VALUE)], PROPERTIES, FIELDS)

    assert differences(before, now, kept=before) == [
        Difference("Email", "Mail", LEFT_OUT, "Mail"),
        Difference("Stage", "Name, as label", "Name, as value", "Name, as label"),
    ]


def test_two_properties_of_one_label_are_told_apart() -> None:
    twins = [each.model_copy(update={"label": "Same"}) for each in PROPERTIES[:2]]

    assert set(told_mapping([to("id", NAME), to("email", MAIL)], twins, FIELDS)) == {"id", "email"}


def test_a_form_s_mapping_leaves_out_what_is_not_there_or_cannot_be_written() -> None:
    form = Form({"field.id": NAME.id, "field.email": SUM.id, "field.gone": MAIL.id})

    assert mapping_form.read_mapping(form, PROPERTIES, FIELDS) == [to("id", NAME)]


def test_a_field_that_is_mapped_twice_is_told_beside_the_second() -> None:
    form = mapping_form.with_faults(Form(), [to("id", NAME), to("email", NAME)], FIELDS)

    assert list(form.errors) == ["field.email"]
    assert form.errors["field.email"].startswith("Name is mapped above already.")


@pytest.mark.parametrize(
    ("key", "place"), [("", "key"), ("stage", "key"), ("email", "field.email"), ("id", None)]
)
def test_a_key_needs_a_row_with_a_field_that_airtable_finds_rows_by(
    key: str, place: str | None
) -> None:
    mapping = [to("id", NAME), to("email", MAIL)]

    form = mapping_form.with_key_fault(Form(), mapping, key, FIELDS)

    assert list(form.errors) == [place] * (place is not None)


def test_a_service_s_faults_stand_beside_the_rows_that_they_mean() -> None:
    faults = ["key.field_id", "mapping.0.source", "mapping.7.field_id", "schedule.every_seconds"]
    told = [FieldError(each, each, "Mend it.") for each in faults]
    error = InvalidError("scheduler", Problem(422, "invalid-request", "Invalid", told))

    form = mapping_form.refused(Form(), error, "id", [to("email", MAIL)])

    assert dict(form.errors) == {
        "field.id": "key.field_id. Mend it.",
        "field.email": "mapping.0.source. Mend it.",
        "": "mapping.7.field_id. Mend it.",
        "every": "schedule.every_seconds. Mend it.",
    }
