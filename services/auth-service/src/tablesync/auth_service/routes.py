"""The HTTP edge of auth-service, one router a concern."""

from fastapi import APIRouter
from tablesync.auth_service import (
    connection_routes,
    internal_routes,
    link_routes,
    oauth_routes,
    sign_in_routes,
    workspace_routes,
)
from tablesync.auth_service.parts import Parts

_CONCERNS = (
    sign_in_routes,
    workspace_routes,
    connection_routes,
    oauth_routes,
    link_routes,
    internal_routes,
)


def routers(parts: Parts) -> list[APIRouter]:
    """Make all routers of the service."""
    return [concern.routes(parts) for concern in _CONCERNS]
