"""Whether a program of the stack can do its work now, asked the way its users will ask."""

import httpx
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from tablesync.local_stack.loopback import NO_TLS

OK = 200


def kafka_is_ready(bootstrap: str) -> bool:
    """Whether the broker answers a request for its metadata."""
    try:
        AdminClient({"bootstrap.servers": bootstrap, "log_level": 0}).list_topics(timeout=2)
    except KafkaException:
        return False
    return True


def groups_are_ready(bootstrap: str) -> bool:
    """Whether consumer groups have a coordinator; asking makes a new broker appoint one."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    (found,) = admin.describe_consumer_groups(["nobody"], request_timeout=2).values()
    return found.exception() is None


def http_is_ready(url: str) -> bool:
    """Whether the address answers 200."""
    try:
        return httpx.get(url, timeout=2, trust_env=False, verify=NO_TLS).status_code == OK
    except httpx.HTTPError:
        return False
