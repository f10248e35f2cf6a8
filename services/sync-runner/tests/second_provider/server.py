"""One shop: a small real HTTP server on a port of its own, which is the host of this shop alone."""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self
from zoneinfo import ZoneInfo

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tablesync.sync_runner.values import Value
from tablesync.test_kit import free_port
from tablesync.test_kit.stand_ins.web_server import WebServer

from second_provider.limits import AtOnce, Points
from second_provider.records import FIELDS, ZONE, Record, harvest, told

TOKEN_HEADER = "Shop-Access-Token"
PAGE, COST_OF_A_CALL, COST_OF_A_RECORD = 20, 2.0, 0.5
Json = dict[str, Any]


class RefusedError(Exception):
    """The shop refuses, in an answer with 200."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Shop:
    """What one shop holds and how it is right now; tests change what they like.

    `instead` are whole answers to the next calls, `refusing` are codes of refusals to them;
    `export_seconds` is how long an export takes, `takes_seconds` how long each answer does.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.token = secrets.token_urlsafe(24)
        self.records: dict[str, dict[str, Record]] = {"products": {}, "orders": {}, "reviews": {}}
        self.points, self.at_once = Points(), AtOnce()
        self.instead: deque[Response] = deque()
        self.refusing: deque[str] = deque()
        self.frozen = False
        self.export_seconds = self.takes_seconds = 0.0
        self.asked: list[Json] = []
        self.tokens_seen_by_links: list[str] = []
        self._exports: dict[str, tuple[float, list[Record]]] = {}
        self._now_ms = 0

    # what people do there

    def fill(self, object_: str, total: int) -> None:
        """Have so many records more."""
        held = self.records[object_]
        for number in range(len(held) + 1, len(held) + total + 1):
            self.put(object_, str(number), **harvest(number))

    def put(self, object_: str, id_: str, **values: Value) -> None:
        """Create a record."""
        empty = dict.fromkeys(FIELDS)
        self.records[object_][id_] = Record(id_, {**empty, **values}, self.now_ms())

    def edit(self, object_: str, id_: str, **values: Value) -> None:
        """Change a record."""
        held = self.records[object_]
        held[id_] = held[id_].edited(self.now_ms(), **values)

    def delete(self, object_: str, id_: str) -> None:
        """Delete a record; the shop tells of it as it was."""
        held = self.records[object_]
        held[id_] = Record(id_, held[id_].values, self.now_ms(), deleted=True)

    def now_ms(self) -> int:
        """Return the shop's clock, which never tells the same moment of two changes."""
        self._now_ms = max(self._now_ms + 1, int(time.time() * 1000))
        return self._now_ms

    # the server

    async def __aenter__(self) -> Self:
        routes = [
            Route("/api", self._api, methods=["POST"]),
            Route("/exports/{id}", self._exported),
        ]
        self._server = WebServer(Starlette(routes=routes), self.port)
        await self._server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.stop()

    async def _api(self, request: Request) -> Response:
        if not self.at_once.enter():
            return JSONResponse({"message": "Too many calls at once."}, 429)
        try:
            wanted = await request.json()
            self.asked.append(wanted)
            await asyncio.sleep(self.takes_seconds)
            if self.instead:
                return self.instead.popleft()
            return JSONResponse(self._answer(wanted, request.headers.get(TOKEN_HEADER, "")))
        finally:
            self.at_once.leave()

    async def _exported(self, request: Request) -> Response:
        """Answer who has the link, in as many lines as are asked for."""
        if token := request.headers.get(TOKEN_HEADER) or request.headers.get("Authorization"):
            self.tokens_seen_by_links.append(token)
        _, records = self._exports[request.path_params["id"]]
        first = int(request.query_params["from"])
        lines = records[first : first + PAGE]
        return JSONResponse({"total": len(records), "records": [_told(each) for each in lines]})

    def _answer(self, wanted: Json, token: str) -> Json:
        cost = COST_OF_A_CALL + COST_OF_A_RECORD * wanted.get("first", 0)
        clock = datetime.fromtimestamp(self.now_ms() / 1000, ZoneInfo(ZONE)).isoformat()
        taken, needed, data, errors = False, None, None, []
        try:
            self._check(token)
            taken = self.points.take(cost)
            if not taken:
                raise RefusedError("THROTTLED", "There are not enough points.")
            data = self._data(wanted)
        except RefusedError as error:
            errors = [{"code": error.code, "message": str(error)}]
        if taken:
            needed = COST_OF_A_CALL + COST_OF_A_RECORD * len((data or {}).get("records", ()))
            self.points.settle(cost, needed)
        shown = {"data": data, "now": clock, "cost": self.points.shown(cost, needed)}
        return {**shown, "errors": errors} if errors else shown

    def _check(self, token: str) -> None:
        if token != self.token:
            raise RefusedError("UNAUTHENTICATED", "This token is not (or no longer) valid.")
        if self.frozen:
            raise RefusedError("SHOP_FROZEN", f"The shop {self.name} is frozen.")
        if self.refusing:
            code = self.refusing.popleft()
            raise RefusedError(code, f"So it was asked for: {code}.")

    def _data(self, wanted: Json) -> Json:
        ask = wanted["ask"]
        if ask == "export_state":
            return self._export_state(wanted["id"])
        held = self.records.get(wanted["object"])
        if held is None:
            raise RefusedError("UNKNOWN_OBJECT", "There is no such object.")
        if ask == "definitions":
            return {"zone": ZONE, "fields": [_definition(each) for each in FIELDS]}
        if ask == "export":
            return self._export(held)
        return self._changes(held, wanted)

    def _changes(self, held: Mapping[str, Record], wanted: Json) -> Json:
        """Return what comes after a change, in the order of the changes."""
        after = wanted["since_ms"], wanted["after"]
        ordered = sorted(held.values(), key=_order)
        later = [each for each in ordered if _order(each) > after]
        records = [_told(each) for each in later[: wanted["first"]]]
        return {"records": records, "total": len(later), "more": len(later) > len(records)}

    def _export(self, held: Mapping[str, Record]) -> Json:
        id_ = secrets.token_urlsafe(8)
        living = [each for each in held.values() if not each.deleted]
        self._exports[id_] = time.monotonic() + self.export_seconds, living
        return {"id": id_}

    def _export_state(self, id_: str) -> Json:
        if id_ not in self._exports:
            raise RefusedError("EXPORT_GONE", "There is no such export any more.")
        ready = time.monotonic() >= self._exports[id_][0]
        return {"link": f"{self.url}/exports/{id_}" if ready else None}

    def finish_exports(self) -> None:
        """Have exports be done at once."""
        self._exports = {id_: (0.0, records) for id_, (_, records) in self._exports.items()}

    def forget_exports(self) -> None:
        """Have exports expire, as they do after some days."""
        self._exports.clear()


def _order(record: Record) -> tuple[int, str]:
    return record.changed_ms, record.id


def _definition(name: str) -> Json:
    label, type_, choices = FIELDS[name]
    shown = [{"code": code, "shown": label} for code, label in choices.items()]
    return {"name": name, "label": label, "type": type_, "choices": shown}


def _told(record: Record) -> Json:
    values = {name: told(name, value) for name, value in record.values.items()}
    return {
        "id": record.id,
        "changed_ms": record.changed_ms,
        "deleted": record.deleted,
        "values": values,
    }
