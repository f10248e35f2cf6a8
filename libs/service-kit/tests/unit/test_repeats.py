"""What is said again and again is said once: by a library, and by us about one trouble."""

import logging

from tablesync.service_kit.repeats import QUIET_SECONDS, Trouble, WithoutRepeats
from tablesync.test_kit.logs import own_logs


def line(name: str, message: str, detail: str = "", at: float = 1_000_000.0) -> logging.LogRecord:
    record = logging.LogRecord(name, logging.ERROR, "", 0, message, (detail,), None)
    record.created = at
    return record


def test_a_line_of_the_library_is_passed_once_whatever_its_details() -> None:
    passes = WithoutRepeats("aiokafka").filter
    assert passes(line("aiokafka.conn", "no %s", "broker 1"))
    assert not passes(line("aiokafka.conn", "no %s", "broker 2"))
    assert passes(line("aiokafka.conn", "closed %s"))
    assert passes(line("aiokafka.cluster", "no %s"))
    assert passes(line("aiokafka.conn", "no %s", at=1_000_000.0 + QUIET_SECONDS))


def test_lines_of_others_are_all_passed() -> None:
    passes = WithoutRepeats("aiokafka").filter
    assert all(passes(line("uvicorn.error", "no %s")) for _ in range(3))


def test_a_trouble_is_told_when_it_begins_changes_and_ends() -> None:
    trouble = Trouble("kept", "handled again", topic="runs")
    with own_logs() as logs:
        trouble.over()
        for error in (OSError(1), OSError(2), ValueError(3), ValueError(4)):
            trouble.met(error)
        trouble.over()
        trouble.over()
    told = [(each["event"], each.get("error")) for each in logs]
    assert told == [
        ("kept", "OSError(1)"),
        ("kept", "ValueError(3)"),
        ("handled again", None),
    ]
