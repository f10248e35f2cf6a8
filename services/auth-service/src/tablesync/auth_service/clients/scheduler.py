"""Which syncs wait for a connection, asked of the scheduler; pages work without its answer."""

from typing import Any

import httpx
import structlog
from tablesync.service_kit.http.client import json_or_none

log = structlog.get_logger()
DEADLINE_SECONDS = 2.0


class AffectedSyncs:
    """Asks the scheduler."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def of(self, workspace_id: str, connection_id: str) -> list[dict[str, Any]] | None:
        """Return the syncs, or None if the scheduler does not answer at once."""
        path = f"/internal/v1/connections/{connection_id}/affected-syncs"
        try:
            response = await self._http.get(
                path, params={"workspace_id": workspace_id}, timeout=DEADLINE_SECONDS
            )
        except httpx.HTTPError as error:
            log.warning("affected syncs unknown", error=type(error).__name__)
            return None
        body = json_or_none(response)
        if not response.is_success or not isinstance(body, dict):
            log.warning("affected syncs unknown", status=response.status_code)
            return None
        return list(body.get("items", []))
