"""The demo reads lists whole, however a service says that there is more."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web
from tablesync.demo.api import Api

pytestmark = pytest.mark.integration
PAGES = {"": "a b", "a b": "c", "c": None}


def route(said: str, asked: str) -> web.RouteTableDef:
    """Serve a list of three pages, of which the second is empty."""
    routes = web.RouteTableDef()

    @routes.get(f"/{said}")
    async def page(request: web.Request) -> web.Response:
        at = request.query.get(asked, "")
        items = [] if at == "a b" else [{"at": at, "limit": request.query["limit"]}]
        return web.json_response({"items": items, said: PAGES[at]})

    return routes


async def sign_in(_: web.Request) -> web.Response:
    return web.json_response({"access_token": "x"})


@pytest_asyncio.fixture
async def api() -> AsyncIterator[Api]:
    app = web.Application()
    app.router.add_post("/v1/tokens", sign_in)
    app.add_routes([*route("next_cursor", "cursor"), *route("next", "from")])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0]
    api = Api({"auth-service": f"http://{host}:{port}"}, "token")
    yield api
    await api.close()
    await runner.cleanup()


@pytest.mark.parametrize("path", ["/next_cursor", "/next"])
async def test_a_list_is_read_to_its_last_page(api: Api, path: str) -> None:
    found = await api.items("auth-service", path, limit="2")
    assert found == [{"at": "", "limit": "2"}, {"at": "c", "limit": "2"}]
