"""`/webhooks/{provider}`: what providers say of their own accord; hints, each to be verified."""

from fastapi import APIRouter, Request
from tablesync.auth_service.errors import WebhookRefusedError
from tablesync.auth_service.grants.webhook_hints import WebhookHints
from tablesync.auth_service.providers.base import Hint, Webhooks
from tablesync.auth_service.providers.served import Providers
from tablesync.service_kit.http.openapi import NO_TOKEN, declares
from tablesync.service_kit.http.problems import NOT_FOUND, Problem

_BODY = {"content": {"application/json": {"schema": {"type": "object"}}}}


def routes(providers: Providers, hints: WebhookHints) -> APIRouter:
    """Make the router."""
    router = APIRouter(prefix="/webhooks", tags=["webhooks"], responses=declares(401, 404))

    @router.post(
        "/{provider_name}", status_code=204, openapi_extra={**NO_TOKEN, "requestBody": _BODY}
    )
    async def receive(provider_name: str, request: Request) -> None:
        provider = providers.named(provider_name)
        if provider is None or provider.webhooks is None:
            raise Problem(404, NOT_FOUND, "No such provider sends webhooks here.")
        hint = await _verified(provider.webhooks, request)
        if hint is not None:
            hints.follow(provider.name, hint)

    return router


async def _verified(webhooks: Webhooks, request: Request) -> Hint | None:
    """Return what a webhook hints at; raises Problem 401."""
    try:
        return webhooks.verify(await request.body(), request.headers)
    except WebhookRefusedError:
        raise Problem(401, "webhook-refused", "The provider has not signed this.") from None
