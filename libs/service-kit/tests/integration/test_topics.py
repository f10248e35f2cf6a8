"""Topics are created from the contracts, as often as services start."""

from aiokafka.admin import AIOKafkaAdminClient
from tablesync.contracts import TOPICS
from tablesync.service_kit.messaging.kafka import ensure_topics
from tablesync.service_kit.settings import ServiceSettings
from tablesync.test_kit import eventually


async def test_topics_have_the_contracts_partitions_and_retention(
    settings: ServiceSettings, topic_prefix: str
) -> None:
    for service in ("scheduler", "sync-runner", "scheduler"):
        await ensure_topics(settings, service)
    dead_letters = {
        "sync-requests.sync-runner-dlq": 1,
        "sync-events.sync-runner-dlq": 1,
        "connection-events.scheduler-dlq": 1,
        "run-events.scheduler-dlq": 1,
    }
    theirs = TOPICS.keys() - {"member-events"}  # of auth-service and notifier alone
    expected = {name: TOPICS[name].partitions for name in theirs} | dead_letters
    await eventually(lambda: _are(expected, settings, topic_prefix))


async def _are(expected: dict[str, int], settings: ServiceSettings, prefix: str) -> bool:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap_servers)
    await admin.start()
    try:
        topics = await admin.describe_topics()
    finally:
        await admin.close()
    return expected == {
        each["topic"].removeprefix(prefix): len(each["partitions"])
        for each in topics
        if each["topic"].startswith(prefix)
    }


async def test_a_broker_that_creates_topics_itself_is_not_asked(settings: ServiceSettings) -> None:
    unreachable = settings.with_(
        kafka_auto_created_topics=True, kafka_bootstrap_servers="127.0.0.1:1"
    )
    await ensure_topics(unreachable, "scheduler")
