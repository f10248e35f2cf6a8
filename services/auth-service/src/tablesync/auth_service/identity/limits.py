"""Limits: how much of what people can make without end one of them may have."""

from typing import Annotated

from pydantic import BaseModel, Field

Most = Annotated[int, Field(ge=1, le=1_000_000)]


class LimitSettings(BaseModel):
    """The most there may be, each a setting of whoever runs TableSync."""

    auth_workspaces_per_person: Most = 20
    auth_open_invitations_per_workspace: Most = 500
    auth_api_tokens_per_member: Most = 50


AS_SHIPPED = LimitSettings()
