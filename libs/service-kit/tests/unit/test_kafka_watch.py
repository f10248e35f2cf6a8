"""Whatever a look at Kafka meets, the next one follows: a watcher is no reason to end a service."""

import pytest
from tablesync.local_stack.keys import ServiceKeys
from tablesync.service_kit.messaging import kafka_watch
from tablesync.service_kit.messaging.kafka_watch import KafkaWatch
from tablesync.service_kit.settings import ServiceSettings
from tablesync.test_kit import eventually, free_port
from tablesync.test_kit.logs import own_logs
from tablesync.test_kit.messaging import running

pytestmark = pytest.mark.unit
SOME = 5


async def test_an_unforeseen_error_is_told_once_and_looked_at_again(
    service_keys: ServiceKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ServiceSettings(
        kafka_bootstrap_servers="127.0.0.1:1",
        kafka_auto_created_topics=True,
        kafka_check_seconds=0.01,
        mongodb_uri="mongodb://127.0.0.1:1",
        http_port=free_port(),
        service_key_file=service_keys.private_key_file("scheduler"),
        trusted_keys_file=service_keys.trusted_keys_file,
    )
    watch, looks = KafkaWatch(settings, "scheduler", lambda _: None), 0

    async def unforeseen(_: object) -> dict[str, str]:
        nonlocal looks
        looks += 1
        if looks <= SOME:
            raise ZeroDivisionError
        return {}

    async def connected(_: object) -> None:
        """Need no Kafka."""

    monkeypatch.setattr(kafka_watch, "incarnations", unforeseen)
    monkeypatch.setattr(KafkaWatch, "_connected", connected)
    with own_logs() as logs:
        async with running(watch.run):
            await eventually(lambda: looks > SOME and "kafka back" in str(logs))
            assert await watch.is_well()
    assert [each["event"] for each in logs] == ["kafka away", "kafka back"]
    assert "ZeroDivisionError" in logs[0]["reason"]
