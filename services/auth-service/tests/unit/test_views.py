"""Examples are what is sent; what is handed out is handed out in full, and printed nowhere."""

from datetime import UTC, datetime

import pytest
from pydantic import BaseModel, SecretStr
from tablesync.auth_service.api import identity_views, views
from tablesync.auth_service.api.identity_views import CreatedApiToken, UserToken
from tablesync.auth_service.identity.api_tokens import ApiToken
from tablesync.auth_service.identity.sign_in import SignedIn
from tablesync.contracts import Account
from tablesync.contracts.internal_api import AccessTokenAnswer, ReconnectLinkAnswer
from tablesync.service_kit.http.user_auth import OperatorRole, Principal

SHOWN = [
    each
    for module in (views, identity_views)
    for each in vars(module).values()
    if isinstance(each, type) and issubclass(each, BaseModel)
    if each.__module__ == module.__name__ and each.model_config.get("json_schema_extra")
]
SECRET = SecretStr("canary-0123456789")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
TOKEN = ApiToken(
    id="tok_1", workspace_id="ws_1", operator_id="op_1", name="N", digest="d", created_at=NOW
)
SIGNED_IN = SignedIn(
    Principal(operator_id="op_1", workspace_id="ws_1", role=OperatorRole.VIEWER), SECRET
)


@pytest.mark.parametrize(
    "answer",
    [
        UserToken.of(SIGNED_IN),
        CreatedApiToken.with_secret(TOKEN, SECRET),
        AccessTokenAnswer(
            token=SECRET.get_secret_value(),
            expires_at=NOW,
            expires_in=60.0,
            grant_version=1,
            account=Account(id="1", name="A"),
        ),
        ReconnectLinkAnswer(url=f"https://auth.test/{SECRET.get_secret_value()}", expires_at=NOW),
    ],
)
def test_a_secret_is_sent_as_it_is_and_never_printed(answer: BaseModel) -> None:
    assert SECRET.get_secret_value() in answer.model_dump_json()
    assert SECRET.get_secret_value() not in repr(answer)
    assert SECRET.get_secret_value() not in repr((SIGNED_IN, TOKEN))


@pytest.mark.parametrize("model", SHOWN, ids=lambda each: each.__name__)
def test_an_example_is_what_is_sent(model: type[BaseModel]) -> None:
    for example in model.model_json_schema()["examples"]:
        read = model.model_validate(example)
        assert read.model_dump(mode="json", by_alias=True, exclude_unset=True) == example
