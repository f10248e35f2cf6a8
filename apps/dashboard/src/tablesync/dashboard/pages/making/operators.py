"""Who may make and try syncs: operators. Anybody else is told so before a page is half filled."""

from typing import Annotated

from fastapi import Depends
from tablesync.client import ForbiddenError
from tablesync.client.errors import Problem
from tablesync.contracts.public_api.people import Role
from tablesync.dashboard.settings import NAME
from tablesync.dashboard.web.desk import Asked, Member
from tablesync.dashboard.web.silences import wait_for_others


async def _operator(asked: Member) -> Asked:
    """Let operators in; raises ForbiddenError for viewers."""
    if not asked.visitor.may(Role.OPERATOR):
        raise ForbiddenError(NAME, Problem(403, "about:blank", "That takes an operator."))
    wait_for_others()
    return asked


Operator = Annotated[Asked, Depends(_operator)]
