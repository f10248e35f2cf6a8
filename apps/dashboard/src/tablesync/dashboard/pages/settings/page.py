"""The page with one's own things and the members, which every form on it comes back to."""

import asyncio
from collections.abc import AsyncIterator
from typing import TypeVar

from fastapi.responses import Response
from tablesync.contracts.public_api.people import InvitationView, Role
from tablesync.dashboard.shown.times import zone_names
from tablesync.dashboard.web.desk import Asked, Desk
from tablesync.dashboard.web.forms import Form
from tablesync.dashboard.web.silences import or_silent

T = TypeVar("T")


class SettingsPage:
    """The page with all of it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(
        self, asked: Asked, form: Form, status: int = 200, new_token: str | None = None
    ) -> Response:
        """Render it, with what was typed, and a token that is shown this once."""
        tablesync = asked.visitor.tablesync
        members, preferences, tokens, sessions, invitations = await asyncio.gather(
            or_silent(_all(tablesync.members.all())),
            or_silent(tablesync.preferences.get()),
            or_silent(_all(tablesync.api_tokens.all())),
            or_silent(_all(tablesync.sessions.all())),
            or_silent(_invited(asked)),
        )
        return self._desk.page(
            asked,
            "pages/settings.html",
            status=status,
            members=members,
            preferences=preferences,
            tokens=tokens,
            sessions=sessions,
            invitations=invitations,
            who=asked.visitor.who,
            form=form,
            new_token=new_token,
            zones=zone_names(),
            chosen_zone=self._desk.chosen_zone(asked.request),
        )


async def _invited(asked: Asked) -> list[InvitationView]:
    """Return who is invited, for admins."""
    if not asked.visitor.may(Role.ADMIN):
        return []
    return await _all(asked.visitor.tablesync.members.invitations())


async def _all(items: AsyncIterator[T]) -> list[T]:
    return [each async for each in items]
