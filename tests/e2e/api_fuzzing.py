"""Requests made of a service's own OpenAPI document, and what may be wrong with its answers."""

from collections import Counter
from collections.abc import Mapping

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS
from schemathesis.core.failures import FailureGroup
from schemathesis.schemas import APIOperation
from tablesync.local_stack import LocalStack
from tablesync.service_kit.http.service_auth import Signer
from tablesync.service_kit.http.user_auth import OperatorRole, Principal, issue

# That an answer is no 5xx, and that its status, media type and body are those of the document.
HELD = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)


def callers(stack: LocalStack) -> dict[str, dict[str, str]]:
    """Return the headers of nobody, and of somebody in each role."""
    signer = Signer.from_file("auth-service", stack.plan.keys.private_key_file("auth-service"))
    bootstrap = stack.plan.keys.bootstrap()
    signed_in = {
        each["role"]: issue(
            signer,
            Principal(
                operator_id=each["id"],
                workspace_id=bootstrap["workspace"]["id"],
                role=OperatorRole[each["role"].upper()],
                platform=each["role"] == "admin",
            ),
        )
        for each in bootstrap["operators"]
    }
    return {"nobody": {}} | {
        role: {"Authorization": f"Bearer {token}"} for role, token in signed_in.items()
    }


def faults_of(stack: LocalStack, service: str, examples: int) -> tuple[list[str], int]:
    """Return what is wrong with a service's answers, and how many of them there were."""
    url = stack.info.urls[service]
    document = schemathesis.openapi.from_url(f"{url}/openapi.json")
    faults: dict[str, str] = {}
    asked: Counter[str] = Counter()
    for found in document.get_all_operations():
        _fuzz(found.ok(), url, callers(stack), examples, faults, asked)
    return sorted(faults.values()), asked.total()


def _fuzz(
    operation: APIOperation,
    url: str,
    callers: Mapping[str, dict[str, str]],
    examples: int,
    faults: dict[str, str],
    asked: Counter[str],
) -> None:
    good, bad = (operation.as_strategy(generation_mode=mode) for mode in GenerationMode)
    cases = st.one_of(good, bad)

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, caller=st.sampled_from(sorted(callers)))
    def ask(case: schemathesis.Case, caller: str) -> None:
        response = case.call(base_url=url, headers=callers[caller])
        asked[operation.label] += 1
        try:
            case.validate_response(response, checks=CHECKS.get_by_names(HELD))
        except FailureGroup as group:
            for each in group.exceptions:
                key = f"{operation.label} {type(each).__name__} {response.status_code}"
                faults.setdefault(key, f"{key} as {caller}: {each}")

    ask()
