"""Which Airtable field is suggested for which property, and why."""

import pytest
from tablesync.contracts.internal_api import AirtableField, SourceProperty
from tablesync.dashboard.shown.making.suggestions import (
    RECORD_ID,
    SAME_NAME,
    SIMILAR_NAME,
    Suggestion,
    suggest,
    suggest_key,
)

pytestmark = pytest.mark.unit

TEXTS = ("singleLineText", "multilineText")


def a_property(name: str, label: str = "", suits: tuple[str, ...] = TEXTS) -> SourceProperty:
    return SourceProperty(name=name, label=label or name, type="string", kind="text", suits=suits)


def a_field(name: str, type_: str = "singleLineText", *, writable: bool = True) -> AirtableField:
    id_ = f"fld{name.replace(' ', '')}"
    return AirtableField(id=id_, name=name, type=type_, mergeable=type_ in TEXTS, writable=writable)


@pytest.mark.parametrize(
    ("label", "field"),
    [
        ("First name", "first name"),
        ("E-mail", "Email"),
        ("Straße", "strasse"),
        ("Prénom", "Prenom"),
        ("Order number", "ORDER_NUMBER"),
        ("電話", "電話"),
    ],
)
def test_names_that_mean_the_same_whatever_case_accents_and_signs(label: str, field: str) -> None:
    found = suggest([a_property("p", label)], [a_field("Other"), a_field(field)])

    assert found == {"p": Suggestion(a_field(field).id, SAME_NAME)}


def test_a_property_s_own_name_is_as_good_as_its_label() -> None:
    found = suggest([a_property("jobtitle", "Position")], [a_field("Job title")])

    assert found["jobtitle"].why == SAME_NAME


def test_a_similar_name_lacks_only_words_that_tell_nothing_apart() -> None:
    properties = [a_property("contact", "Phone number"), a_property("note", "Internal note")]

    found = suggest(properties, [a_field("Phone"), a_field("Note for all")])

    assert found == {"contact": Suggestion("fldPhone", SIMILAR_NAME)}


def test_the_same_name_wins_over_a_similar_one_and_no_field_is_suggested_twice() -> None:
    properties = [a_property("company_name", "Company name"), a_property("company", "Company")]

    found = suggest(properties, [a_field("Company")])

    assert found == {"company": Suggestion("fldCompany", SAME_NAME)}


def test_a_type_that_tells_by_itself_is_enough_where_there_is_one_of_each() -> None:
    mail = a_property("email", "Email", suits=("email", *TEXTS))

    found = suggest([mail], [a_field("Kontakt", "email"), a_field("Notiz")])

    assert found == {"email": Suggestion("fldKontakt", "the only e-mail field")}


def test_two_fields_of_a_telling_type_tell_nothing() -> None:
    mail = a_property("email", "Email", suits=("email", *TEXTS))

    assert suggest([mail], [a_field("Privat", "email"), a_field("Arbeit", "email")]) == {}


def test_a_field_that_does_not_take_the_values_is_not_suggested_by_its_name() -> None:
    assert suggest([a_property("amount", "Amount")], [a_field("Amount", "number")]) == {}


def test_what_airtable_computes_is_never_suggested() -> None:
    assert suggest([a_property("name", "Name")], [a_field("Name", writable=False)]) == {}


def test_a_source_that_does_not_say_what_suits_is_matched_by_name_alone() -> None:
    silent = a_property("amount", "Amount", suits=())

    assert suggest([silent], [a_field("Amount", "number")])["amount"].why == SAME_NAME


@pytest.mark.parametrize("field", ["HubSpot ID", "Record ID", "id"])
def test_the_record_s_id_goes_to_the_field_that_is_named_after_its_source(field: str) -> None:
    properties = [a_property(RECORD_ID, "Record ID"), a_property("email")]

    found = suggest(properties, [a_field("Name"), a_field(field)], "HubSpot")

    assert found[RECORD_ID].field_id == a_field(field).id


def test_the_key_is_the_record_s_id_else_a_mail_address_else_nothing() -> None:
    id_ = a_property(RECORD_ID, "Record ID")
    mail = a_property("email", "Email", suits=("email", *TEXTS))
    fields = [a_field("Email"), a_field("Record ID")]

    def key_of(properties: list[SourceProperty]) -> str:
        return suggest_key(properties, fields, suggest(properties, fields))

    assert key_of([mail, id_]) == RECORD_ID
    assert key_of([mail]) == "email"
    assert key_of([a_property("city")]) == ""


def test_a_field_by_which_airtable_finds_no_rows_is_no_key() -> None:
    mail = a_property("email", "Email", suits=("email", *TEXTS))
    fields = [a_field("Email", "email")]

    assert suggest_key([mail], fields, suggest([mail], fields)) == ""
