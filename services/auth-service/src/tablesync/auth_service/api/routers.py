"""The HTTP edge of auth-service, one router per concern."""

from fastapi import APIRouter
from tablesync.auth_service.api import connections, internal, oauth, reconnect, sign_in, workspaces
from tablesync.auth_service.parts import Parts

_CONCERNS = (
    sign_in,
    workspaces,
    connections,
    oauth,
    reconnect,
    internal,
)


def routers(parts: Parts) -> list[APIRouter]:
    """Make all routers of the service."""
    return [concern.routes(parts) for concern in _CONCERNS]
