"""Settings: told by each service's class, listed in `.env.example`, secrets without a default."""

import json
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError
from pydantic_core import to_jsonable_python
from pydantic_settings import BaseSettings
from tablesync.service_kit.settings import ProcessSettings, ServiceSettings, explain

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
SettingsOf = Callable[..., set[str]]
SettingsClass = Callable[[str], type[BaseSettings]]
OF_PROCESSES = {name.upper() for name in ProcessSettings.model_fields}
COMMON = {name.upper() for name in ServiceSettings.model_fields}
# What must not stand in a file that is committed; an audience is no secret.
CONFIDENTIAL = re.compile(
    "SECRET|PASSWORD|AUTH_(HUBSPOT|AIRTABLE)_CLIENT_ID|MONGODB_URI|KEYS?_FILE"
)

ASKED_BY_NO_REPLAY = {
    "auth_keep_attempts_days",
    "runner_keep_dry_runs_days",
    "scheduler_check_every_days",
}
# With an address of Airtable's pages that is the real one, so is that of its tokens; whoever has a
# dashboard wants mails to lead there.
ASKED_FOR_ALL_THE_SAME = {"AIRTABLE_TOKEN_URL", "NOTIFIER_DASHBOARD_URL"}


def example_lines() -> Iterator[tuple[str, str, str, bool]]:
    """Yield heading, name, value, and whether the line is commented out."""
    heading = ""
    for line in (ROOT / ".env.example").read_text("utf-8").splitlines():
        if line.startswith("##### "):
            heading = line.removeprefix("##### ")
        elif found := re.fullmatch(r"(#?)([A-Z0-9_]+)=(.*)", line):
            yield heading, found[2], found[3], bool(found[1])


def listed_for(process: str) -> dict[str, str]:
    """Return names and values under a process's heading, with what every service has."""
    shared = {"sandbox": set(), "dashboard": {"Every process"}}
    headings = {process} | shared.get(process, {"Every process", "Every service"})
    return {name: value for heading, name, value, _ in example_lines() if heading in headings}


def test_no_secret_has_a_default(process: str, settings_class: SettingsClass) -> None:
    fields = settings_class(process).model_fields.values()
    assert not [each for each in fields if isinstance(each.default, SecretStr)]


def test_the_example_lists_exactly_the_settings_of_each_process(
    process: str, settings_of: SettingsOf
) -> None:
    assert set(listed_for(process)) == settings_of(process)


def test_the_example_lists_once_what_every_service_has() -> None:
    names = [(heading, name) for heading, name, *_ in example_lines()]
    assert len(names) == len(set(names))
    assert {name for heading, name in names if heading == "Every process"} == OF_PROCESSES
    assert {name for heading, name in names if heading == "Every service"} == COMMON - OF_PROCESSES


def test_the_example_shows_the_defaults(process: str, settings_class: SettingsClass) -> None:
    model = settings_class(process)
    prefix = model.model_config.get("env_prefix", "")
    listed = listed_for(process)
    for name, field in model.model_fields.items():
        if not field.is_required() and field.default is not None:
            shown = listed[f"{prefix}{name}".upper()]
            assert parsed(shown) == parsed(to_jsonable_python(field.default)), name


def test_the_example_comments_out_what_is_optional_and_has_no_default(
    process: str, settings_class: SettingsClass
) -> None:
    model = settings_class(process)
    prefix = model.model_config.get("env_prefix", "")
    fields = model.model_fields.items()
    optional = {f"{prefix}{name}".upper() for name, field in fields if field.default is None}
    commented = {name for heading, name, _, off in example_lines() if off and heading == process}
    assert optional - COMMON - ASKED_FOR_ALL_THE_SAME == commented


def parsed(value: Any) -> Any:
    """Read a value as JSON where it is; a URL's last slash says nothing."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value.rstrip("/")


def test_every_setting_of_the_example_is_explained_in_a_line() -> None:
    for before, line in pairwise((ROOT / ".env.example").read_text("utf-8").splitlines()):
        if re.match(r"#?[A-Z0-9_]+=", line):
            assert before.startswith("# "), line


def test_what_may_be_asked_about_by_a_replay_is_not_kept_more_briefly_than_topics(
    service: str, settings_class: SettingsClass
) -> None:
    model = settings_class(service)
    kept = [name for name in model.model_fields if name.endswith("_days")]
    kept = [name for name in kept if name not in ASKED_BY_NO_REPLAY]
    assert len(kept) > (service != "auth-service")
    for name in kept:
        with pytest.raises(ValidationError) as refused:
            model.model_validate({name: 13})
        assert f"{name.upper()}: Value error, must be 14 to " in explain(refused.value)


def test_the_example_holds_nothing_confidential() -> None:
    given = {name: value for _, name, value, _ in example_lines()}
    assert not [name for name, value in given.items() if value and CONFIDENTIAL.search(name)]


def test_a_copied_example_leaves_nothing_at_the_sandbox() -> None:
    compose = (ROOT / "docker-compose.yml").read_text("utf-8")
    with_the_sandbox = r"\$\{(\w+):?-[^}]*(?:sandbox|127\.0\.0\.1|example\.test)[^}]*}"
    defaulted = set(re.findall(with_the_sandbox, compose))
    assert defaulted
    assert defaulted <= {name for _, name, _, off in example_lines() if not off}
