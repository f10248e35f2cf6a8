"""A platform starts anew or not at all: it never goes on from what an earlier one left."""

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
