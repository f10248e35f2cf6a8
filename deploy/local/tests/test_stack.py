"""A stack starts, and its programs die and come back one at a time."""

import signal
import uuid
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient, NewTopic
from pymongo import MongoClient
from tablesync.local_stack import LocalStack, ProgramEndedError, kafka
from tablesync.local_stack.kafka import KafkaNode
from tablesync.local_stack.ports import PortTakenError
from tablesync.local_stack.progress import print_progress
from tablesync.test_kit import free_port, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.needs("kafka"), pytest.mark.needs("mongod")]
MONGOD = ("mongod",)


def test_kafka_killed_and_started_again_has_what_it_had(checkout: Path) -> None:
    with LocalStack(checkout, programs=("kafka", "mongod")) as stack:
        create_topic(stack.info.kafka, "orders")
        mongod = stack.pid("mongod")
        stack.kill("kafka")
        assert stack.pid("kafka") is None
        stack.start_program("kafka")
        stack.wait_ready("kafka")
        assert "orders" in topics(stack.info.kafka)
        assert stack.pid("mongod") == mongod


def test_a_cluster_id_may_begin_with_a_dash(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("uuid.uuid4", lambda: uuid.UUID(bytes=b"\xfb" * 16))
    node = KafkaNode(tmp_path, kafka.fetch_jars(checkout, print_progress), free_port(), free_port())
    node.prepare()
    assert "cluster.id=-_v7" in (tmp_path / "data" / "meta.properties").read_text()


def test_mongod_killed_and_started_again_has_what_it_had(checkout: Path) -> None:
    with LocalStack(checkout, programs=MONGOD) as stack, client(stack) as mongo:
        mongo.shop.orders.insert_one({"_id": 1})
        stack.kill("mongod")
        stack.start_program("mongod")
        stack.wait_ready("mongod")
        assert mongo.shop.orders.find_one() == {"_id": 1}


def test_a_program_is_stopped_and_started(checkout: Path) -> None:
    with LocalStack(checkout, programs=MONGOD) as stack:
        stack.kill("mongod", signal.SIGTERM)
        assert stack.ended_programs() == ["mongod"]
        stack.start_program("mongod")
        stack.wait_ready("mongod")
        stack.stop_program("mongod")
        assert stack.pid("mongod") is None


def test_what_ends_by_itself_is_started_again_but_not_a_sandbox_that_forgot_all(
    checkout: Path,
) -> None:
    with LocalStack(checkout, programs=("mongod", "sandbox"), restart=True) as stack:
        stack.kill("sandbox")
        stack.kill("mongod")
        wait_until(lambda: stack.pid("mongod"), timeout=60, what="another mongod")
        assert stack.ended_programs() == ["sandbox"]


def test_a_stack_keeps_its_data_though_its_ports_change_unless_it_is_fresh(checkout: Path) -> None:
    for fresh, found in [(False, None), (False, {"_id": 1}), (True, None)]:
        with LocalStack(checkout, programs=MONGOD, fresh=fresh) as stack, client(stack) as mongo:
            assert mongo.shop.orders.find_one() == found
            mongo.shop.orders.replace_one({"_id": 1}, {}, upsert=True)


def test_a_stack_whose_sandbox_kept_nothing_keeps_nothing_at_all(checkout: Path) -> None:
    left = checkout / ".local" / "up" / "mongod" / "of-a-sandbox-that-is-gone"
    left.parent.mkdir(parents=True)
    left.touch()
    stack = LocalStack(checkout, programs=("sandbox",), keep=True)
    assert stack.is_new
    with stack:
        assert not left.exists()
    again = LocalStack(checkout, programs=("sandbox",), keep=True)
    assert (again.is_new, again.plan.ports) == (False, stack.plan.ports)
    left.parent.mkdir()
    left.touch()
    with again:
        assert left.exists()


def test_two_checkouts_run_at_once(checkout: Path, other_checkout: Path) -> None:
    with (
        LocalStack(checkout, programs=MONGOD) as one,
        LocalStack(other_checkout, programs=MONGOD) as other,
        client(one) as mongo,
        client(other) as other_mongo,
    ):
        mongo.shop.orders.insert_one({})
        assert other_mongo.shop.orders.find_one() is None


def test_a_program_that_ends_at_once_is_shown_with_its_log(checkout: Path) -> None:
    stack = LocalStack(checkout, programs=MONGOD)
    (stack.folder / "mongod").mkdir(parents=True)
    (stack.folder / "mongod" / "storage.bson").write_text("not what mongod has written")
    with pytest.raises(ProgramEndedError, match="storage engine metadata"):
        stack.start()
    assert stack.pid("mongod") is None


def test_a_stack_on_a_taken_port_is_refused_before_anything_starts(checkout: Path) -> None:
    with LocalStack(checkout, programs=MONGOD) as stack:
        taken = stack.plan.port("mongod")
        second = LocalStack(checkout, "second", programs=MONGOD, ports={"mongod": taken})
        with pytest.raises(PortTakenError, match=f"^MONGOD_PORT is {taken}, on which process"):
            second.start()
        assert second.pid("mongod") is None
        assert not second.folder.exists()


def test_what_is_given_is_not_started(checkout: Path) -> None:
    given = f"mongodb://127.0.0.1:{free_port()}/"
    stack = LocalStack(checkout, programs=("mongod", "notifier"), mongodb_uri=given)
    assert stack.plan.programs == ("notifier",)
    assert stack.info.mongodb == given
    assert stack.plan.program("notifier").env["MONGODB_URI"] == given


def client(stack: LocalStack) -> MongoClient[dict[str, Any]]:
    return MongoClient(stack.info.mongodb)


def create_topic(bootstrap: str, name: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for done in admin.create_topics([NewTopic(name, 1, 1)]).values():
        done.result()


def topics(bootstrap: str) -> set[str]:
    return set(AdminClient({"bootstrap.servers": bootstrap}).list_topics(timeout=10).topics)
