"""Limits: how much of what people can make without end one of them may have."""

from typing import Annotated

from pydantic import BaseModel, Field
from tablesync.service_kit.http.problems import Problem, conflict

Most = Annotated[int, Field(ge=1, le=1_000_000)]


class LimitSettings(BaseModel):
    """The most there may be, each a setting of whoever runs TableSync."""

    auth_workspaces_per_person: Most = 20
    auth_open_invitations_per_workspace: Most = 500
    auth_api_tokens_per_member: Most = 50


AS_SHIPPED = LimitSettings()


def reached(what: str, limit: int, remedy: str, setting: str) -> Problem:
    """Return the answer for one more than there may be, which names limit and remedy."""
    detail = f"There may be {limit:,} {what}, and there are. {remedy}"
    raised = f"Whoever runs TableSync can raise {setting}."
    return conflict("limit-reached", f"{detail} {raised}", limit=limit)
