"""Expressions of update pipelines and `$expr`: the database's clock is theirs."""

from tablesync.service_kit.mongo.client import Document


def from_now(seconds: float) -> Document:
    """Return the moment so many seconds from now, or ago where negative, to the millisecond."""
    return {"$add": ["$$NOW", round(seconds * 1000)]}
