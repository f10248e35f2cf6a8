"""What happens around every provider request: latency, faults, counters, armed actions."""

import asyncio
from types import ModuleType

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from .airtable import errors as airtable_errors
from .calls import Call, identify
from .control.routes import ControlRoutes
from .faults import Break, Faults
from .hubspot import errors as hubspot_errors
from .hubspot.state import APP_ID
from .ids import correlation_id
from .web import Refusal, json_answer
from .world import World

_ERRORS: dict[str, ModuleType] = {"airtable": airtable_errors, "hubspot": hubspot_errors}


def observer(world: World, control: ControlRoutes) -> Middleware:
    """Return the middleware through which every request goes."""

    @web.middleware
    async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
        provider = request.path.split("/", 2)[1]
        if provider not in _ERRORS:
            return await _guarded(request, handler, None)
        state = world.airtable if provider == "airtable" else world.hubspot
        call = request["call"] = await identify(request, provider, state.grants)
        response = await _answer(request, handler, call, state.faults)
        if provider == "hubspot":
            _mark(request, response)
        world.counters.observe(call, response.status)
        if response.status < 300:
            _count_page(world, request, call)
            control.answered(call, request.get("page_of"))
        return response

    return observe


async def _answer(
    request: web.Request, handler: Handler, call: Call, faults: Faults
) -> web.StreamResponse:
    await faults.delay(call)
    fault = faults.take_break(call)
    if fault is not None:
        if fault.late_seconds:
            response = await _guarded(request, handler, call.provider)
            await asyncio.sleep(fault.late_seconds)
            return response
        if fault.performed:
            await _guarded(request, handler, call.provider)
        return _broken(request, call.provider, fault)
    if faults.is_throttled(call):
        return _refused(_throttled(call))
    return await _guarded(request, handler, call.provider)


async def _guarded(
    request: web.Request, handler: Handler, provider: str | None
) -> web.StreamResponse:
    try:
        if provider == "hubspot" and len(request.path_qs) > hubspot_errors.LONGEST_URL:
            raise hubspot_errors.uri_too_long()
        return await handler(request)
    except Refusal as refusal:
        return _refused(refusal)
    except web.HTTPRedirection as redirection:
        return web.Response(status=redirection.status, headers=redirection.headers)
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
        if provider is None:
            raise
        return _refused(_no_route(provider))
    except web.HTTPRequestEntityTooLarge:
        return json_answer({"error": {"type": "REQUEST_BODY_TOO_LARGE"}}, 413)


def _no_route(provider: str) -> Refusal:
    if provider == "airtable":
        return airtable_errors.not_found()
    return hubspot_errors.resource_not_found()


def _throttled(call: Call) -> Refusal:
    if call.provider == "airtable":
        return airtable_errors.rate_limited()
    if call.path.endswith("/search"):
        return hubspot_errors.search_limit(APP_ID, call.account or "")
    return hubspot_errors.rolling_limit(APP_ID, call.account or "", {})


def _broken(request: web.Request, provider: str, fault: Break) -> web.Response:
    if fault.status == 0:
        if request.transport is not None:
            request.transport.abort()
        return web.Response(status=499)
    refusal: Refusal = _ERRORS[provider].broken(fault.status)
    if fault.body is not None:
        refusal = Refusal(fault.status, fault.body)
    refusal.headers.update(fault.headers)
    return _refused(refusal)


def _refused(refusal: Refusal) -> web.Response:
    if isinstance(refusal.body, str):
        return web.Response(status=refusal.status, text=refusal.body, headers=refusal.headers)
    return json_answer(refusal.body, refusal.status, refusal.headers)


def _mark(request: web.Request, response: web.StreamResponse) -> None:
    """Add what every answer of HubSpot bears, and the limits of a call that counted."""
    own = {"x-hubspot-correlation-id": correlation_id(), **request.get("limit_headers", {})}
    for name, value in own.items():
        response.headers.setdefault(name, value)


def _count_page(world: World, request: web.Request, call: Call) -> None:
    kind = request.get("page_of")
    if kind and call.provider == "hubspot":
        pages = world.counters.hubspot.pages
        pages[kind] = pages.get(kind, 0) + 1
