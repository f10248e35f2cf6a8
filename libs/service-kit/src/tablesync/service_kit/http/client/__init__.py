"""httpx clients over aiohttp's transport, all from one factory, and what they read and tell."""

from tablesync.service_kit.http.client.bounded import (
    ANSWER_BYTES,
    MEGABYTE,
    BadPackingError,
    TooManyBytesError,
)
from tablesync.service_kit.http.client.factory import (
    CONNECT_SECONDS,
    TOTAL_SECONDS,
    json_or_none,
    new_client,
    new_transport,
)
from tablesync.service_kit.http.client.transports import (
    LastLook,
    TracedTransport,
    never_sent,
)

__all__ = [
    "ANSWER_BYTES",
    "CONNECT_SECONDS",
    "MEGABYTE",
    "TOTAL_SECONDS",
    "BadPackingError",
    "LastLook",
    "TooManyBytesError",
    "TracedTransport",
    "json_or_none",
    "never_sent",
    "new_client",
    "new_transport",
]
