"""Requests made of a service's own OpenAPI document, and what may be wrong with its answers."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS
from schemathesis.core.failures import FailureGroup
from schemathesis.schemas import APIOperation
from tablesync.local_stack import LocalStack
from tablesync.local_stack.keys import SERVICES
from tablesync.service_kit.http.service_auth import SERVICE_JWT, Signer
from tablesync.service_kit.http.user_auth import OperatorRole, Principal, issue

# That an answer is no 5xx, and that its status, media type and body are those of the document.
HELD = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)


# Answers of whoever looks at a token, a role or a body before the route's own work begins.
AT_THE_DOOR = {401, 403, 422}
# Their own work refuses so as well: an unknown credential, an unknown connection.
OWN_REFUSALS = {"POST /v1/tokens": 401, "POST /v1/sessions": 401, "POST /v1/syncs": 422}

# So many different requests can be made of any operation.
ALWAYS_DIFFER = 6

Headers = dict[str, str]


def signed_in(stack: LocalStack) -> dict[str, Headers]:
    """Return the headers of somebody in each role."""
    signer = _signer(stack, "auth-service")
    bootstrap = stack.plan.keys.bootstrap()
    return {
        each["role"]: _bearer(
            issue(
                signer,
                Principal(
                    operator_id=each["id"],
                    workspace_id=bootstrap["workspace"]["id"],
                    role=OperatorRole[each["role"].upper()],
                    platform=each["role"] == "admin",
                ),
            )
        )
        for each in bootstrap["operators"]
    }


def services_that_call(stack: LocalStack, service: str) -> dict[str, Headers]:
    """Return the headers of each other service."""
    return {
        each: _bearer(_signer(stack, each).service_token(service))
        for each in SERVICES
        if each != service
    }


def _signer(stack: LocalStack, service: str) -> Signer:
    return Signer.from_file(service, stack.plan.keys.private_key_file(service))


def _bearer(token: str) -> Headers:
    return {"Authorization": f"Bearer {token}"}


def faults_of(stack: LocalStack, service: str, examples: int) -> list[str]:
    """Return what is wrong with a service's answers, and which operations hardly gave one."""
    fuzzing = Fuzzing(stack, service, examples)
    document = schemathesis.openapi.from_url(f"{fuzzing.url}/openapi.json")
    for found in document.get_all_operations():
        fuzzing.ask(found.ok())
    return [*sorted(fuzzing.faults.values()), *fuzzing.hardly_asked(document.raw_schema["paths"])]


@dataclass
class Fuzzing:
    """What one service was asked, and what it answered."""

    stack: LocalStack
    service: str
    examples: int
    faults: dict[str, str] = field(default_factory=dict)
    answers: defaultdict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))

    @property
    def url(self) -> str:
        """Where the service listens."""
        return self.stack.info.urls[self.service]

    def ask(self, operation: APIOperation) -> None:
        """Ask what the document shows as good, as each that may be let in; then anything."""
        good, bad = (operation.as_strategy(generation_mode=mode) for mode in GenerationMode)
        callers = self._callers(operation)
        for name in sorted(callers.keys() & {"admin", *SERVICES}):
            for shown in operation.get_strategies_from_examples() or [good]:
                self._ask(shown, {name: callers[name]}, 1)
        self._ask(st.one_of(good, bad), self._callers(operation), self.examples)

    def _callers(self, operation: APIOperation) -> dict[str, Headers]:
        """Return nobody, and whom the operation's security lets hope; a token lasts a minute."""
        security = operation.definition.raw.get("security", [])
        if any(SERVICE_JWT.scheme_name in each for each in security):
            return {"nobody": {}} | services_that_call(self.stack, self.service)
        return {"nobody": {}} | signed_in(self.stack)

    def _ask(
        self,
        cases: st.SearchStrategy[schemathesis.Case],
        callers: dict[str, Headers],
        examples: int,
    ) -> None:
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
            self._answer(case, caller, callers[caller])

        ask()

    def _answer(self, case: schemathesis.Case, caller: str, headers: Headers) -> None:
        response = case.call(base_url=self.url, headers=headers)
        label = case.operation.label
        self.answers[label][response.status_code] += 1
        try:
            case.validate_response(response, checks=CHECKS.get_by_names(HELD))
        except FailureGroup as group:
            for each in group.exceptions:
                key = f"{label} {type(each).__name__} {response.status_code}"
                self.faults.setdefault(key, f"{key} as {caller}: {each}")

    def hardly_asked(self, paths: dict[str, dict[str, object]]) -> Iterator[str]:
        """Name each operation of the document that was asked too little, or only refused."""
        for label in (f"{method.upper()} {path}" for path in paths for method in paths[path]):
            answers = self.answers[label]
            # Where nothing can be varied, few requests differ.
            if answers.total() < min(self.examples, ALWAYS_DIFFER) / 2:
                yield f"{label} was asked {answers.total()} times of {self.examples}"
            if not answers.keys() - (AT_THE_DOOR - {OWN_REFUSALS.get(label)}):
                yield f"{label} never came past the door: {dict(answers)}"
