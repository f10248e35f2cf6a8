"""What is handed out is handed out in full, and printed nowhere."""

from datetime import UTC, datetime

import pytest
from pydantic import BaseModel, SecretStr
from tablesync.auth_service.api import identity_views
from tablesync.auth_service.identity.api_tokens import ApiToken
from tablesync.auth_service.identity.sign_in import SignedIn
from tablesync.contracts import Account
from tablesync.contracts.internal_api import AccessTokenAnswer, ReconnectLinkAnswer
from tablesync.service_kit.http.user_auth import OperatorRole, Principal

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
        identity_views.user_token(SIGNED_IN),
        identity_views.created_api_token(TOKEN, SECRET),
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
