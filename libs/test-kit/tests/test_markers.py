"""Tests share a process with their file's, or with all of a folder that has one platform."""

import pytest
from tablesync.test_kit.markers import scope_of


@pytest.mark.parametrize(
    ("test", "scope"),
    [
        ("tests/e2e/test_start_order.py::test_p25", "tests/e2e/test_start_order.py"),
        ("tests/e2e/shared_platform/test_command.py::test_a_day", "tests/e2e/shared_platform/"),
        ("tests/e2e/dashboard/test_pages.py::test_all[dark]", "tests/e2e/dashboard/"),
        ("tests/e2e/dashboard/test_access.py::Some::test_one", "tests/e2e/dashboard/"),
    ],
)
def test_a_test_shares_its_process_with(test: str, scope: str) -> None:
    assert scope_of(test) == scope
