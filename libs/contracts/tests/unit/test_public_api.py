"""Bodies of `/v1`: an example is what is sent, and a newer service's words stop no reader."""

import importlib
import inspect
import pkgutil

import pytest
from pydantic import BaseModel, ValidationError
from tablesync.contracts import RunStatus, public_api
from tablesync.contracts.public_api.base import Answer, Asked
from tablesync.contracts.public_api.connections import filled
from tablesync.contracts.public_api.people import NewMember, Role
from tablesync.contracts.public_api.runs import RunView
from tablesync.contracts.public_api.schedules import Interval, OtherSchedule
from tablesync.contracts.public_api.syncs import NewMapping, SyncView

MODULES = [
    importlib.import_module(f"{public_api.__name__}.{each.name}")
    for each in pkgutil.iter_modules(public_api.__path__)
]
BODIES = [
    each
    for module in MODULES
    for each in vars(module).values()
    if inspect.isclass(each) and issubclass(each, Answer | Asked)
    if each.__module__ == module.__name__
]
SHOWN = [each for each in BODIES if each.model_config.get("json_schema_extra")]


@pytest.mark.parametrize("model", SHOWN, ids=lambda each: each.__name__)
def test_an_example_is_what_is_sent(model: type[BaseModel]) -> None:
    for example in model.model_json_schema()["examples"]:
        read = model.model_validate(example)
        assert read.model_dump(mode="json", by_alias=True, exclude_unset=True) == example


def test_a_status_that_is_new_is_shown_as_it_is() -> None:
    (known, *_) = RunView.model_json_schema()["examples"]
    read = RunView.model_validate({**known, "status": "postponed", "trigger": "webhook"})
    assert (read.status, read.trigger) == ("postponed", "webhook")
    assert RunView.model_validate(known).status is RunStatus.SUCCEEDED


def test_what_is_asked_for_is_refused_if_nobody_knows_it() -> None:
    wanted = {"email": "ada@acme.example", "name": "Ada", "role": "operator"}
    assert NewMember.model_validate(wanted).role is Role.OPERATOR
    for odd in ({**wanted, "role": "owner"}, {**wanted, "colour": "red"}):
        with pytest.raises(ValidationError):
            NewMember.model_validate(odd)


def test_a_mapping_is_sent_as_it_is_called() -> None:
    made = NewMapping(source="stage", field_id="fldStage000000001", as_="label")
    assert made.model_dump(mode="json", by_alias=True, exclude_unset=True)["as"] == "label"


def test_a_schedule_of_a_kind_that_is_new_spoils_no_sync() -> None:
    (known, *_) = SyncView.model_json_schema()["examples"]
    read = SyncView.model_validate({**known, "schedule": {"cron": "0 9 * * 1"}})
    assert isinstance(read.schedule, OtherSchedule)
    assert SyncView.model_validate(known).schedule == Interval(every_seconds=600)


def test_a_page_at_a_provider_is_named_by_what_is_known_alone() -> None:
    list_ = "https://crm.test/{account}/deals"
    assert filled(list_, account="4/8", host=None) == "https://crm.test/4%2F8/deals"
    assert filled(list_, account=None) is None
    assert filled(list_) is None
    assert filled(None, account="48") is None
