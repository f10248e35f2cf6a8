"""The bodies of the internal API: as they were on the wire, and read by versions beside theirs."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import BaseModel, ValidationError
from tablesync.contracts import ConnectionCause, ConnectionEvent, Provider, RunStatus, internal_api
from tablesync.contracts.internal_api import (
    BODIES,
    STATES_LIMIT,
    AccessTokenAnswer,
    AffectedSyncs,
    AuthFailureRuling,
    Body,
    ConnectionNotConnected,
    ConnectionStates,
    Items,
    Recipients,
    ReconnectLinkAnswer,
    RunStates,
    SyncOwner,
    Verdict,
)

MODELS = [
    each
    for each in vars(internal_api).values()
    if isinstance(each, type) and issubclass(each, Body) and each not in (Body, Items)
]
SECRETS = {AccessTokenAnswer: "token", ReconnectLinkAnswer: "url"}


def examples_of(model: type[BaseModel]) -> list[Any]:
    return list(model.model_json_schema().get("examples", []))


def example_of(model: type[BaseModel], **changes: Any) -> dict[str, Any]:
    return {**examples_of(model)[0], **changes}


def states(*changes: dict[str, Any]) -> dict[str, Any]:
    """Make a page of connection states, as auth-service sends it."""
    (state,) = example_of(ConnectionStates)["items"]
    numbered = ({**state, "sequence": number} for number in range(1, len(changes) + 1))
    return {"items": [{**one, **two} for one, two in zip(numbered, changes, strict=True)]}


# as they always were on the wire


def test_p27_an_old_body_still_decodes_and_is_written_as_it_was(body_example: Path) -> None:
    model, written = BODIES[body_example.parent.name], json.loads(body_example.read_text("utf-8"))
    if model is ConnectionNotConnected:  # what it is without its problem's own members
        written = {name: written.get(name) for name in model.model_fields}
    assert json.loads(model.model_validate(written).model_dump_json(by_alias=True)) == written


def test_p27_an_old_body_agrees_with_its_schema(body_example: Path, contracts: Path) -> None:
    name = f"schemas/internal_api/{body_example.parent.name}.schema.json"
    validator = jsonschema.Draft202012Validator(
        json.loads((contracts / name).read_text("utf-8")),
        format_checker=jsonschema.FormatChecker(),
    )
    validator.validate(json.loads(body_example.read_text("utf-8")))


def test_what_is_open_is_sent_as_null_except_a_wait_that_does_not_help() -> None:
    (sync,) = AffectedSyncs.model_validate(example_of(AffectedSyncs, items=[held()])).items
    assert json.loads(sync.model_dump_json(by_alias=True)) == held()
    ruling = AuthFailureRuling(verdict=Verdict.REVOKED, grant_version=3)
    assert ruling.model_dump_json() == '{"verdict":"revoked","grant_version":3}'


def held() -> dict[str, Any]:
    sync: dict[str, Any] = example_of(AffectedSyncs)["items"][0]
    assert sync["gap"]["to"] is None
    assert sync["catch_up"] is None
    return sync


# examples


@pytest.mark.parametrize("model", MODELS)
def test_every_model_shows_examples_that_it_reads_and_writes(model: type[Body]) -> None:
    shown = examples_of(model)
    assert shown
    for each in shown:
        written = model.model_validate(each).model_dump(mode="json", by_alias=True)
        assert written == each


@pytest.mark.parametrize("model", MODELS)
def test_every_member_with_a_name_that_tells_not_enough_is_described(model: type[Body]) -> None:
    times = ("_at", "_in", "_after", "slot")
    for name, field in model.model_fields.items():
        if name.endswith(times):
            assert field.description, f"{model.__name__}.{name}: unit and clock are not said"


# neighbouring versions


@pytest.mark.parametrize("model", MODELS)
def test_unknown_members_are_ignored(model: type[Body]) -> None:
    for each in examples_of(model):
        assert model.model_validate({**each, "later": {"more": 1}}) == model.model_validate(each)


@pytest.mark.parametrize("verdict", ["reconsidered", "", None, 7])
def test_an_unknown_verdict_is_inconclusive(verdict: Any) -> None:
    ruling = AuthFailureRuling.model_validate({"verdict": verdict, "grant_version": 3})
    assert ruling.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    "strange",
    [
        {"provider": "pipedrive"},
        {"status": "suspended"},
        {"cause": "account_closed"},
        {"account": None},
        {"changed_at": "yesterday"},
    ],
)
def test_a_state_that_cannot_be_read_spoils_only_itself(strange: dict[str, Any]) -> None:
    page = ConnectionStates.read(states({}, strange, {"connection_id": "con_other"}))
    assert [each.sequence for each in page.items] == [1, 3]
    assert all(isinstance(each, ConnectionEvent) for each in page.items)
    (dropped,) = page.unreadable
    (member,) = strange
    assert dropped.why.startswith(f"{member}: ")
    assert dropped.item["sequence"] == 2


def test_an_item_that_is_no_object_spoils_only_itself() -> None:
    page = ConnectionStates.read({"items": [*states({})["items"], 7, None]})
    assert len(page.items) == 1
    assert len(page.unreadable) == 2


def test_a_list_as_it_was_sent_has_nothing_unreadable() -> None:
    page = ConnectionStates.read(states({}, {}))
    assert len(page.items) == 2
    assert page.unreadable == ()


@pytest.mark.parametrize("answer", [None, [], {}, {"items": None}, {"items": "x"}, "items"])
def test_what_is_no_list_at_all_is_refused(answer: Any) -> None:
    with pytest.raises(ValidationError):
        ConnectionStates.read(answer)


def test_a_sender_drops_nothing_silently() -> None:
    with pytest.raises(ValidationError):
        ConnectionStates.model_validate(states({"provider": "pipedrive"}))


@pytest.mark.parametrize("strange", [{"status": "resting"}, {"cause": "moon"}, {"counts": 3}])
def test_a_run_state_that_cannot_be_read_spoils_only_itself(strange: dict[str, Any]) -> None:
    (run,) = example_of(RunStates)["items"]
    found = RunStates.read({"items": [{**run, **strange}, run]})
    assert [each.status for each in found.items] == [RunStatus.INTERRUPTED]
    assert len(found.unreadable) == 1


@pytest.mark.parametrize(
    "strange",
    [
        {"status": "resting"},
        {"hold": {"kind": "moon", "cause": "x", "since": "2026-11-22T09:52:41.803Z"}},
        {"catch_up": {"run_id": "run_1", "status": "resting", "counts": {}}},
    ],
)
def test_an_affected_sync_that_cannot_be_read_spoils_only_itself(strange: dict[str, Any]) -> None:
    found = AffectedSyncs.read({"items": [held(), {**held(), **strange}]})
    assert [each.name for each in found.items] == [held()["name"]]
    assert len(found.unreadable) == 1


def test_whose_a_sync_is_can_be_read_whatever_its_provider() -> None:
    source = {"connection_id": "con_1", "provider": "pipedrive", "object": "persons"}
    owner = SyncOwner.model_validate(example_of(SyncOwner, source=source))
    assert owner.source is None
    assert owner.owner_id


def test_a_refusal_can_be_read_whatever_its_cause() -> None:
    members = {"connection_id": "con_1", "connection_status": "suspended", "cause": "moon"}
    problem = ConnectionNotConnected.model_validate(members)
    assert (problem.connection_id, problem.connection_status, problem.cause) == (
        "con_1",
        None,
        None,
    )
    known = ConnectionNotConnected.model_validate({"cause": "grant_expired"})
    assert known.cause is ConnectionCause.GRANT_EXPIRED


# pages


def test_the_next_page_begins_after_the_newest_state() -> None:
    page = ConnectionStates.read(states({}, {}, {}))
    assert page.next_since(0, 3) == 3
    assert page.next_since(0, 2) == 3, "states of one moment may make a page longer"


def test_a_page_that_is_not_full_is_the_last() -> None:
    assert ConnectionStates.read(states({}, {}, {})).next_since(0, 4) is None
    assert ConnectionStates.read({"items": []}).next_since(0, 1) is None
    assert ConnectionStates.read(states({})).next_since(0) is None
    assert ConnectionStates.read(states(*[{}] * STATES_LIMIT)).next_since(0) == STATES_LIMIT


def test_a_reader_goes_past_states_that_it_cannot_read() -> None:
    unknown = {"provider": "pipedrive"}
    assert ConnectionStates.read(states({}, unknown, unknown)).next_since(0, 3) == 3
    assert ConnectionStates.read(states(unknown, unknown)).next_since(0, 2) == 2


@pytest.mark.parametrize("sequence", ["7", None, 7.5, [7]])
def test_a_page_that_leads_nowhere_is_the_last(sequence: Any) -> None:
    page = ConnectionStates.read(states({"sequence": sequence, "provider": "pipedrive"}))
    assert page.next_since(0, 1) is None
    assert ConnectionStates.read(states({})).next_since(1, 1) is None


def test_a_run_that_is_told_of_unreadably_is_known() -> None:
    run = example_of(RunStates)["items"][0]
    sent = [{**run, "run_id": "run_1"}, {**run, "run_id": "run_2", "status": "dreaming"}]
    asked = ("run_1", "run_2", "run_3")
    assert RunStates.read({"items": sent}).unknown(asked) == {"run_3"}
    for nameless in ({**run, "run_id": 3}, None):
        assert RunStates.read({"items": [*sent, nameless]}).unknown(asked) == set()


# secrets


@pytest.mark.parametrize(("model", "member"), SECRETS.items())
def test_a_secret_is_sent_as_it_is_and_shown_nowhere(model: type[Body], member: str) -> None:
    answer = model.model_validate(example_of(model, **{member: "s3cret"}))
    assert json.loads(answer.model_dump_json())[member] == "s3cret"
    assert "s3cret" not in repr(answer)
    assert "s3cret" not in str(answer)
    assert "s3cret" not in f"{[answer]}"


@pytest.mark.parametrize(("model", "member"), SECRETS.items())
def test_an_answer_that_cannot_be_read_does_not_show_its_secret(
    model: type[Body], member: str
) -> None:
    for broken in ({member: ["s3cret"]}, {member: "s3cret", "expires_at": "s3cret"}):
        with pytest.raises(ValidationError) as caught:
            model.model_validate(example_of(model, **broken))
        assert "s3cret" not in str(caught.value)
        assert "s3cret" not in repr(caught.value)


def test_what_is_unreadable_is_told_without_what_was_sent() -> None:
    page = Recipients.read({"items": [{"email": "ada@acme.test"}]})
    (dropped,) = page.unreadable
    assert "ada@acme.test" not in f"{dropped!r} {dropped.why}"
    assert "operator_id: Field required" in dropped.why


def test_every_provider_can_be_told_of() -> None:
    changes = [{"provider": each.value} for each in Provider]
    assert {each.provider for each in ConnectionStates.read(states(*changes)).items} == set(
        Provider
    )
