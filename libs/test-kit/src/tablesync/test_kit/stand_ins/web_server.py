"""A web app that tests serve in their own process: it is there at once, and gone at once."""

import asyncio
from typing import Any

import uvicorn


class WebServer(uvicorn.Server):
    """uvicorn, without its signal handlers and its pauses: the tests start and end it."""

    def __init__(self, app: Any, port: int) -> None:
        super().__init__(uvicorn.Config(app, port=port, log_config=None, lifespan="off"))

    async def start(self) -> None:
        """Take connections."""
        self.config.load()
        self.lifespan = self.config.lifespan_class(self.config)
        await self.startup()
        self._ticking = asyncio.create_task(self.main_loop())

    def stop(self) -> None:
        """Break off every connection and refuse new ones."""
        self._ticking.cancel()
        for each in self.servers:
            each.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
