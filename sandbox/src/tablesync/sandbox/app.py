"""The composition of the sandbox: one HTTP application and one SMTP server over one world."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from .airtable.routes import routes as airtable_routes
from .control.routes import ControlRoutes
from .hubspot.routes import routes as hubspot_routes
from .keeping import keeping
from .mail.routes import MailRoutes
from .mail.smtp import serve_smtp
from .observation import observer
from .pages import page
from .people import AIRTABLE_USERS, PORTALS
from .seed.catalogue import OBJECT_TYPE_IDS
from .settings import Settings
from .web import json_answer
from .world import World

MAXIMUM_BODY_BYTES = 32 * 1024 * 1024
# Longer than any provider takes, so that each answers for itself.
MAXIMUM_URL_CHARACTERS = 256 * 1024
SHUTDOWN_SECONDS = 0.1
"""How long requests under way may go on after SIGTERM; 0 would mean for ever to aiohttp."""


def build_app(world: World) -> web.Application:
    """Return the HTTP application over a world."""
    control = ControlRoutes(world)
    app = web.Application(
        client_max_size=MAXIMUM_BODY_BYTES, middlewares=[observer(world, control)]
    )
    app.add_routes(
        [
            web.get("/healthz", _healthy),
            web.get("/", _home_of(world)),
            *airtable_routes(world.airtable),
            *hubspot_routes(world.hubspot, f"{world.settings.base_url}/hubspot"),
            *world.oidc.routes(),
            *MailRoutes(world.mailbox).routes(),
            *control.routes(),
        ]
    )
    return app


async def _healthy(_: web.Request) -> web.Response:
    return json_answer({"status": "ok"})


def _home_of(world: World) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def home(_: web.Request) -> web.Response:
        return page(
            "sandbox",
            "home.html",
            portals=PORTALS.values(),
            object_types=OBJECT_TYPE_IDS,
            bases=world.airtable.bases.values(),
            users=AIRTABLE_USERS,
        )

    return home


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[World]:
    """Serve HTTP and SMTP while the context is open; raises CannotReadKeptError."""
    world = World(settings)
    async with keeping(world, settings.state_file), _serving(world):
        yield world


@asynccontextmanager
async def _serving(world: World) -> AsyncIterator[None]:
    settings = world.settings
    smtp = await serve_smtp(world.catcher, settings.http_host, settings.smtp_port)
    runner = web.AppRunner(
        build_app(world),
        access_log=None,
        max_line_size=MAXIMUM_URL_CHARACTERS,
        shutdown_timeout=SHUTDOWN_SECONDS,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, settings.http_host, settings.http_port, backlog=1024).start()
        yield
    finally:
        smtp.close()
        await runner.cleanup()
