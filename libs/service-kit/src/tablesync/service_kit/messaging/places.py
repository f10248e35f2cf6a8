"""Places: how far a consumer group has come in a topic, each with the incarnation it is meant of.

A group's place in a topic that was deleted means nothing in the one that was made after it, where
it would leave out as many messages. Kafka forgets the places of a deleted topic; but a member that
has not noticed yet would write its own again. To begin anew costs nothing: the inbox knows what
was handled.
"""

from typing import Any

from aiokafka import ConsumerRebalanceListener, TopicPartition
from faststream.kafka.message import KafkaMessage


class Places(ConsumerRebalanceListener):  # type: ignore[misc]
    """The places of one consumer, which was started while its topic was this incarnation."""

    def __init__(self, incarnation: str) -> None:
        self._incarnation = incarnation
        # FastStream's subscriber, which has its consumer once it is started.
        self.subscriber: Any = None

    async def commit(self, message: KafkaMessage) -> None:
        """Have the group go on after this message."""
        record: Any = message.raw_message
        consumer: Any = message.consumer
        partition = TopicPartition(record.topic, record.partition)
        await consumer.commit({partition: (record.offset + 1, self._incarnation)})

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Begin anew wherever the group's place is one in another incarnation."""
        consumer = self.subscriber.consumer
        # Its public way to ask leaves out of which incarnation a place is.
        places = await consumer._coordinator.fetch_committed_offsets([*assigned])
        for partition, place in places.items():
            if place.metadata and self._incarnation not in ("", place.metadata):
                consumer.seek(partition, 0)

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Leave them; whoever has them next goes on from what was committed."""
