"""Who may make and try syncs: operators. Anybody else is told so before a page is half filled."""

from collections.abc import Awaitable, Callable

from fastapi import Request
from tablesync.client import ForbiddenError
from tablesync.client.errors import Problem
from tablesync.contracts.public_api.people import Role
from tablesync.dashboard.settings import NAME
from tablesync.dashboard.web.desk import Asked, Desk


def operators(desk: Desk) -> Callable[[Request, str], Awaitable[Asked]]:
    """Return the dependency that lets operators in; raises ForbiddenError for viewers."""

    async def asked(request: Request, workspace_id: str) -> Asked:
        found = await desk.asked(request, workspace_id)
        if not found.visitor.may(Role.OPERATOR):
            raise ForbiddenError(NAME, Problem(403, "about:blank", "That takes an operator."))
        return found

    return asked
