"""What every service is built from: its database, its keys, and clients of its peers."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Protocol, TypeVar

import httpx
from tablesync.service_kit import mongo
from tablesync.service_kit.http.client import TOTAL_SECONDS, new_client
from tablesync.service_kit.http.service_auth import ServiceAuth, Signer, Verifier
from tablesync.service_kit.mongo import Database
from tablesync.service_kit.mongo.changes import Changes
from tablesync.service_kit.mongo.leases import Leases
from tablesync.service_kit.mongo.unit_of_work import UnitsOfWork
from tablesync.service_kit.settings import ServiceSettings


class Closing(Protocol):
    """Something that has to be closed, such as an HTTP client."""

    async def aclose(self) -> None:
        """Close it."""


C = TypeVar("C", bound=Closing)


@dataclass(frozen=True)
class Resources:
    """Opened once by a service's bootstrap; nothing is connected before it is used."""

    name: str
    settings: ServiceSettings
    database: Database
    units: UnitsOfWork
    leases: Leases
    changes: Changes
    signer: Signer
    verifier: Verifier
    _closers: AsyncExitStack

    @classmethod
    def open(cls, name: str, settings: ServiceSettings, *, database: str) -> "Resources":
        """Open what a service of this name has; `database` is its own, without the prefix."""
        client = mongo.connect(settings.mongodb_uri, settings.mongodb_operation_seconds)
        closers = AsyncExitStack()
        closers.callback(client.close)
        opened = mongo.open_database(client, f"{settings.mongodb_database_prefix}{database}")
        return cls(
            name,
            settings,
            opened,
            UnitsOfWork(opened, name),
            Leases(opened),
            Changes(opened),
            Signer.from_file(name, settings.service_key_file),
            Verifier.from_file(name, settings.trusted_keys_file),
            closers,
        )

    def peer(
        self, url: object, audience: str, *, total_seconds: float = TOTAL_SECONDS
    ) -> httpx.AsyncClient:
        """Make a client of another service, which signs in as this one."""
        auth = ServiceAuth(self.signer, audience)
        return self.kept(new_client(str(url), auth=auth, total_seconds=total_seconds))

    def kept(self, closing: C) -> C:
        """Close this, too, in the end: what came last is closed first."""
        self._closers.push_async_callback(closing.aclose)
        return closing

    async def close(self) -> None:
        """Close every client, MongoDB's at last, whatever one of them raises."""
        await self._closers.aclose()
