"""Real Kafka, MongoDB, sandbox and services on one machine without Docker."""

from tablesync.local_stack.info import StackInfo
from tablesync.local_stack.kafka import missing as kafka_missing
from tablesync.local_stack.kafka import without_maven
from tablesync.local_stack.stack import LocalStack, ProgramEndedError
from tablesync.local_stack.tools import MissingToolError

__all__ = [
    "LocalStack",
    "MissingToolError",
    "ProgramEndedError",
    "StackInfo",
    "kafka_missing",
    "without_maven",
]
