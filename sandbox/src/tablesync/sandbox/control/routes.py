"""The control API's paths; it has no authentication, so it must listen on loopback only."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web
from tablesync.sandbox.calls import Call
from tablesync.sandbox.web import json_answer, json_object
from tablesync.sandbox.world import World

from .airtable import AirtableActions, show_base
from .hubspot import HubSpotActions
from .once import Once
from .practice import ways
from .reading import Action, Body, bad_body, unknown
from .truth import shown_counters, shown_crm_records, shown_log, shown_rows


class ControlRoutes:
    """Everything under /_control."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._once = Once()
        self._hubspot = HubSpotActions(world.hubspot)
        self._airtable = AirtableActions(world.airtable)
        self._tables: dict[str, dict[str, Action]] = {
            "airtable": self._airtable.table(),
            "hubspot": self._hubspot.table(),
            "oidc": {"sign-in": self._oidc_sign_in},
            "mail": {"break": self._break_mail, "unbreak": self._mend_mail},
        }
        self._accounts = {
            "airtable": self._airtable.accounts(),
            "hubspot": self._hubspot.accounts(),
        }
        self._answers = {"airtable": world.airtable, "hubspot": world.hubspot, "oidc": world.oidc}

    def routes(self) -> list[web.RouteDef]:
        """Return the control API's routes."""
        return [
            web.get("/_control", self.help),
            web.get("/_control/counters", self.counters),
            web.post("/_control/counters/reset", self.reset_counters),
            web.get("/_control/log", self.log),
            web.get("/_control/bases", self.bases),
            web.post("/_control/reset", self.reset),
            web.get("/_control/{provider}/-/practice", self.practice),
            web.post("/_control/{provider}/-/answer", self.answer),
            web.delete("/_control/{provider}/-/answer", self.clear_answer),
            web.get("/_control/{provider}/{account}/records", self.records),
            web.post("/_control/{provider}/{account}/{action}", self.act),
        ]

    async def help(self, _: web.Request) -> web.Response:
        """Name what there is."""
        providers = {
            name: {"actions": sorted(table), "accounts": sorted(self._accounts.get(name, {}))}
            for name, table in self._tables.items()
        }
        return json_answer({"providers": providers})

    async def practice(self, request: web.Request) -> web.Response:
        """Say in people's words what they can do to a provider, to watch a recovery."""
        return json_answer({"ways": ways(request.match_info["provider"])})

    async def act(self, request: web.Request) -> web.Response:
        """Perform one action, once for all requests with the same `Idempotency-Key`."""
        body, asked = await _body(request), request.match_info
        done = self._once.answer(
            request.headers.get("Idempotency-Key"),
            lambda: self.perform(asked["provider"], asked["account"], asked["action"], body),
        )
        return json_answer(done)

    def perform(self, provider: str, account: str, action: str, body: Body) -> Mapping[str, Any]:
        """Perform an action, or raise a problem that names what exists."""
        table = self._tables.get(provider)
        if table is None:
            raise unknown("provider", provider, sorted(self._tables))
        if action not in table:
            raise unknown("action", action, sorted(table))
        try:
            return table[action](self._account(provider, account), body)
        except (ValueError, TypeError, AttributeError) as error:
            raise bad_body(f"The body cannot be followed: {error}") from error

    def _account(self, provider: str, account: str) -> str:
        accounts = self._accounts.get(provider)
        if account == "-" or accounts is None:
            return account
        if account not in accounts:
            raise unknown("account", account, sorted(accounts))
        return accounts[account]

    def answered(self, call: Call, page_of: str | None) -> None:
        """Perform what was armed to follow a successful answer."""
        state = self._world.airtable if call.provider == "airtable" else self._world.hubspot
        for arm in state.faults.due_arms(call, page_of):
            self.perform(call.provider, arm.account, arm.action, arm.body)

    async def answer(self, request: web.Request) -> web.Response:
        """Say how the next authorize requests are answered."""
        answer = self._answering(request).answers.configure(await _body(request))
        return json_answer({"decision": answer.decision, "times": answer.times})

    async def clear_answer(self, request: web.Request) -> web.Response:
        """Let people click again."""
        self._answering(request).answers.clear()
        return json_answer({"decision": None})

    def _answering(self, request: web.Request) -> Any:
        provider = request.match_info["provider"]
        if provider not in self._answers:
            raise unknown("provider", provider, sorted(self._answers))
        return self._answers[provider]

    async def records(self, request: web.Request) -> web.Response:
        """Return all records of an object or a table, past every limit."""
        provider, query = request.match_info["provider"], request.query
        account = self._account(provider, request.match_info["account"])
        if provider == "hubspot":
            kind = self._hubspot.records(account, query.get("object", ""))
            return json_answer(shown_crm_records(kind, query.get("archived") == "true"))
        if provider == "airtable":
            return json_answer(shown_rows(self._airtable.table_of(query), query.get("by") == "id"))
        raise unknown("provider", provider, ["airtable", "hubspot"])

    async def bases(self, _: web.Request) -> web.Response:
        """Return all bases with tables and fields."""
        return json_answer({"bases": [*map(show_base, self._world.airtable.bases.values())]})

    async def counters(self, _: web.Request) -> web.Response:
        """Return the ground-truth counters."""
        return json_answer(shown_counters(self._world.counters, self._world.airtable))

    async def reset_counters(self, _: web.Request) -> web.Response:
        """Start counting anew."""
        self._world.counters.reset()
        return json_answer({})

    async def log(self, request: web.Request) -> web.Response:
        """Return recent requests."""
        return json_answer(shown_log(self._world.counters, request.query))

    async def reset(self, _: web.Request) -> web.Response:
        """Put everything back to the seed."""
        self._world.reset()
        return json_answer({})

    def _oidc_sign_in(self, _: str, body: Body) -> Body:
        user, fails = str(body.get("user")), body.get("fails")
        if fails:
            self._world.oidc.failing_sign_ins[user] = str(fails)
        else:
            self._world.oidc.failing_sign_ins.pop(user, None)
        return {"user": user, "fails": fails}

    def _break_mail(self, _: str, body: Body) -> Body:
        self._world.catcher.refuse(body)
        return dict(body)

    def _mend_mail(self, _: str, __: Body) -> Body:
        self._world.catcher.mend()
        return {}


async def _body(request: web.Request) -> Body:
    body = await json_object(request)
    if body is None:
        raise bad_body("The body has to be a JSON object.")
    return body
