"""Examples that the dashboard's unit tests share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import httpx
from fastapi import APIRouter, FastAPI, Request, Response
from pydantic import BaseModel, SecretStr
from tablesync.client import SessionToken, TableSync
from tablesync.contracts.public_api.people import UserToken
from tablesync.dashboard.settings import Settings
from tablesync.dashboard.shown.times import Clock
from tablesync.dashboard.web import desk
from tablesync.dashboard.web.cookies import Cookies
from tablesync.dashboard.web.desk import Asked, Desk, PageContext
from tablesync.dashboard.web.rendering import Rendering
from tablesync.dashboard.web.signing import Signing
from tablesync.dashboard.web.visitors import Visitor, Visitors
from tablesync.service_kit.http.client import new_client
from tablesync.test_kit import free_port
from tablesync.test_kit.stand_ins.web_server import WebServer

Model = TypeVar("Model", bound=BaseModel)

CLOCK = Clock(datetime(2026, 11, 27, 12, tzinfo=UTC), ZoneInfo("UTC"))
SESSION = SecretStr("session")
DASHBOARD = "http://dashboard.test"
_SERVICES = ("auth-service", "scheduler", "sync-runner", "notifier")
_URLS = (
    *("auth_oidc_issuer_url", "auth_public_url", "auth_service_url"),
    *("scheduler_url", "sync_runner_url", "notifier_url"),
)


def like(model: type[Model], **changes: Any) -> Model:
    """Return the contract's own example, with some members changed."""
    examples: Any = model.model_json_schema()["examples"]
    return model.model_validate({**examples[0], **changes})


def a_visitor(url: str, http: httpx.AsyncClient, role: str = "operator") -> Visitor:
    """Return somebody signed in, for whom all services are at one address."""
    who, credentials = like(UserToken, role=role), SessionToken(SESSION)
    credentials._held, credentials._good_until = who, float("inf")
    return Visitor(TableSync(dict.fromkeys(_SERVICES, url), credentials, http=http), who, SESSION)


class Pages:
    """Renders pages, for routes that need no more of a desk."""

    def page(self, asked: Asked, template: str, *, status: int = 200, **values: Any) -> Response:
        """Render a page for an operator."""
        context = PageContext(asked, may_operate=True, may_administer=False, csrf="", once="")
        usual: dict[str, Any] = {"flash": None, "here": "", "sandbox": False}
        return Rendering("test").page(
            template, status=status, page=context, clock=asked.clock, **usual, **values
        )


@asynccontextmanager
async def browsing(services: FastAPI, *pages: APIRouter) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a browser of pages in `ws_1`, for which one app answers as all services."""
    server = WebServer(services, port := free_port())
    await server.start()
    async with new_client() as http:
        visitor = a_visitor(f"http://127.0.0.1:{port}", http)
        app = FastAPI()
        for each in pages:
            app.include_router(each)
        asked = Asked(Request({"type": "http"}), visitor, "ws_1", CLOCK)
        app.dependency_overrides[desk._member] = lambda: asked
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=DASHBOARD) as browser:
            yield browser
    server.stop()


def no_services(folder: Path, **changes: Any) -> Settings:
    """Return settings of a dashboard that reaches nobody; its signing key is in a folder."""
    (key := folder / "key").write_text("a key that nobody can guess, for tests alone")
    return Settings.model_validate(
        {
            **dict.fromkeys(_URLS, "http://127.0.0.1:9"),
            "dashboard_public_url": DASHBOARD,
            "dashboard_signing_key_file": key,
            "kafka_bootstrap_servers": "127.0.0.1:9",
            "http_port": 1,
            **changes,
        }
    )


def a_desk(http: httpx.AsyncClient, folder: Path) -> Desk:
    """Return a desk as the dashboard has it, without services; its signing key is in a folder."""
    settings = no_services(folder)
    visitors, signing = Visitors(settings, http), Signing(settings.signing_key)
    return Desk(settings, Rendering("test"), visitors, Cookies(secure=False), signing)
