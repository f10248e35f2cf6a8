"""A platform that starts anew never goes on from what an earlier one left elsewhere."""

from typing import Any

import pytest
from confluent_kafka.admin import AdminClient, NewTopic
from pymongo import MongoClient
from tablesync.local_stack import earlier_platform
from tablesync.local_stack.plan import Given


def test_databases_of_an_earlier_platform_are_named_and_kept(
    mongodb_uri: str, database_prefix: str
) -> None:
    given = Given(mongodb_uri=mongodb_uri, database_prefix=database_prefix)
    earlier_platform.refuse(given)
    with MongoClient[dict[str, Any]](mongodb_uri) as client:
        client[f"{database_prefix}runner"].record_states.insert_one({})
        remedy = f"{database_prefix}runner of .* set MONGODB_DATABASE_PREFIX"
        with pytest.raises(ValueError, match=remedy):
            earlier_platform.refuse(given)
        assert client[f"{database_prefix}runner"].record_states.count_documents({}) == 1


def test_topics_of_an_earlier_platform_are_named(kafka_bootstrap: str, topic_prefix: str) -> None:
    given = Given(kafka_bootstrap=kafka_bootstrap, topic_prefix=topic_prefix)
    earlier_platform.refuse(given)
    admin = AdminClient({"bootstrap.servers": kafka_bootstrap})
    (done,) = admin.create_topics([NewTopic(f"{topic_prefix}run-events", 1, 1)]).values()
    done.result()
    with pytest.raises(ValueError, match=f"{topic_prefix}run-events of .* set KAFKA_TOPIC_PREFIX"):
        earlier_platform.refuse(given)


def test_an_address_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match=r"^MONGODB_URI: "):
        earlier_platform.refuse(Given(mongodb_uri="http://nowhere"))


AWAY = {
    "MONGODB_URI": (
        Given(mongodb_uri="mongodb://ada:canary@127.0.0.1:1,127.0.0.1:2/?replicaSet=none"),
        "no MongoDB answers at 127.0.0.1:1, 127.0.0.1:2; start it, correct MONGODB_URI, or ",
    ),
    "KAFKA_BOOTSTRAP_SERVERS": (
        Given(kafka_bootstrap="127.0.0.1:1,127.0.0.1:2"),
        "no Kafka answers at 127.0.0.1:1,127.0.0.1:2; start it, correct KAFKA_BOOTSTRAP_SERVERS",
    ),
}


@pytest.mark.parametrize("setting", AWAY)
def test_where_nothing_answers_is_named_with_the_remedy(
    setting: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(earlier_platform, "ANSWER_SECONDS", 1)
    given, why = AWAY[setting]
    with pytest.raises(ValueError, match=setting) as refused:
        earlier_platform.refuse(given)
    assert str(refused.value).startswith(f"{setting}: {why}")
    assert "canary" not in str(refused.value)


def test_a_password_that_mongodb_refuses_is_said_in_a_line(mongodb_uri: str) -> None:
    given = mongodb_uri.replace("://", "://ada:canary@")
    with pytest.raises(ValueError, match=r"^MONGODB_URI: Authentication failed\.$"):
        earlier_platform.refuse(Given(mongodb_uri=given))
