"""auth-service may be away behind a proxy, which has a voice of its own."""

import httpx
import pytest
from tablesync.service_kit.errors import DependencyUnavailableError
from tablesync.sync_runner.clients.auth_service import AuthServiceClient

A_MINUTE = {"Date": "Wed, 21 Oct 2026 07:27:00 GMT", "Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}
PASSED = {"Date": "Wed, 21 Oct 2026 07:29:00 GMT", "Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}


def behind_a_proxy(headers: dict[str, str]) -> AuthServiceClient:
    answer = httpx.Response(503, text="<html>503 Service Unavailable</html>", headers=headers)
    transport = httpx.MockTransport(lambda request: answer)
    return AuthServiceClient(httpx.AsyncClient(transport=transport, base_url="http://auth-service"))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (A_MINUTE, 60.0),
        (PASSED, 1.0),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "soon"}, 1.0),
        ({}, 1.0),
    ],
)
async def test_a_proxys_503_is_waited_out(headers: dict[str, str], seconds: float) -> None:
    client = behind_a_proxy(headers)
    for ask in (
        client.grant("con_1", "ws_1"),
        client.report("con_1", "ws_1", 1, 401),
        client.connections(0, 10),
    ):
        with pytest.raises(DependencyUnavailableError) as raised:
            await ask
        assert raised.value.retry_after == seconds
