"""Every route of every service, asked by everybody for what its OpenAPI document says, and more."""

import pytest
from api_fuzzing import faults_of
from tablesync.local_stack import LocalStack
from tablesync.local_stack.keys import SERVICES

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

EXAMPLES = 4


@pytest.mark.parametrize("service", SERVICES)
def test_p21_each_answer_is_one_that_the_document_names(stack: LocalStack, service: str) -> None:
    faults = faults_of(stack, service, EXAMPLES)
    assert not faults, "\n\n".join(faults)
