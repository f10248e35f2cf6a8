"""The topics, one YAML file each; Kafka's topics are created from these files."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

import yaml
from pydantic import BaseModel, ConfigDict, Field


class Topic(BaseModel):
    """One topic: who writes it, who reads it, and how Kafka keeps it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    description: str
    producer: str
    consumers: tuple[str, ...] = Field(description="Services with a consumer group.")
    followers: tuple[str, ...] = Field(default=(), description="Read from latest, no group.")
    key: str
    partitions: int = Field(ge=1)
    retention_hours: int = Field(ge=1)
    planned: tuple[str, ...] = Field(
        default=(), description="Types that readers know already and nobody makes yet."
    )
    versions: Mapping[str, int] = Field(description="Event type stem → newest version.")

    def dead_letters_of(self, service: str) -> str:
        """Name the dead-letter topic of one consumer group."""
        return f"{self.name}.{service}-dlq"


@cache
def _load() -> Mapping[str, Topic]:
    found = (each for each in files(__package__).iterdir() if each.name.endswith(".yaml"))
    topics = [Topic.model_validate(yaml.safe_load(each.read_text("utf-8"))) for each in found]
    return MappingProxyType({topic.name: topic for topic in sorted(topics, key=lambda t: t.name)})


TOPICS: Mapping[str, Topic] = _load()
