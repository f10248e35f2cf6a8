"""The fuzzing of `make test`, with thirty times as many requests for each route."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from api_fuzzing import faults_of
from tablesync.local_stack import LocalStack
from tablesync.local_stack.keys import SERVICES

pytestmark = pytest.mark.soak

EXAMPLES = 200


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    """A platform with a Kafka, a MongoDB and a sandbox of its own."""
    stack = LocalStack(Path(__file__).parents[1], "soak-fuzzing", fresh=True)
    with stack:
        yield stack
    stack.remove()


@pytest.mark.parametrize("service", SERVICES)
def test_p21_each_answer_is_one_that_the_document_names(stack: LocalStack, service: str) -> None:
    faults = faults_of(stack, service, EXAMPLES)
    assert not faults, "\n\n".join(faults)
