"""Where the dashboard shows what a mail is about: addresses that hold no secret."""

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from tablesync.notifier.settings import Settings
from tablesync.service_kit.clock import unix_milliseconds


@dataclass(frozen=True)
class Pages:
    """The dashboard's pages of one workspace; None for each while its address is not known."""

    address: str | None
    workspace_id: str

    @classmethod
    def of(cls, settings: Settings, workspace_id: str) -> Self:
        """Return the pages of a workspace."""
        url = settings.notifier_dashboard_url
        return cls(str(url).rstrip("/") if url else None, workspace_id)

    def connection(self, connection_id: str) -> str | None:
        """Return where a connection is, with its syncs and its history."""
        return self._page(f"connections/{connection_id}")

    def receipt(self, connection_id: str, lost_at: datetime) -> str | None:
        """Return where it says what an outage missed and what was caught up."""
        since = unix_milliseconds(lost_at)
        return self._page(f"connections/{connection_id}/receipts/{since}")

    def sync(self, sync_id: str) -> str | None:
        """Return where a sync is, with its runs."""
        return self._page(f"syncs/{sync_id}")

    def _page(self, path: str) -> str | None:
        return f"{self.address}/w/{self.workspace_id}/{path}" if self.address else None
