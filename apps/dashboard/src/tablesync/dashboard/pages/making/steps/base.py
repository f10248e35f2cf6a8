"""What the steps of the wizard have in common: each shows a draft, and takes a form into it."""

from dataclasses import dataclass
from typing import Any, Protocol

from tablesync.client import AwayError, InvalidError, ProblemError, UnconfirmedError
from tablesync.contracts.public_api.connections import ConnectionView
from tablesync.contracts.wording import provider_label
from tablesync.dashboard.pages.making.draft import Draft
from tablesync.dashboard.web.desk import Asked
from tablesync.dashboard.web.forms import Form

# A choice that another choice depends on is shown first; the page is then asked for once more.
LOOK = "look"
# A table is to be made first.
MAKE = "make"
MOST_CONNECTIONS = 1_000


@dataclass(frozen=True)
class Taken:
    """What became of a form: the draft with what was typed, and the form with its faults."""

    draft: Draft
    form: Form

    @property
    def is_well(self) -> bool:
        """Whether the draft can go on."""
        return not self.form.errors


class Step(Protocol):
    """One step: its part of the draft, and what it is chosen from."""

    name: str
    words: str
    title: str
    template: str

    def is_done(self, draft: Draft) -> bool:
        """Whether a draft has what this step is for."""

    async def show(self, asked: Asked, draft: Draft, form: Form) -> dict[str, Any]:
        """Return what its page shows."""

    async def take(self, asked: Asked, draft: Draft, form: Form) -> Taken:
        """Put what was typed into the draft."""


async def connected(asked: Asked, *, sources: bool) -> list[ConnectionView]:
    """Return the connections that can be read, or written to: those that work come first."""
    providers = {each.name: each for each in await asked.visitor.tablesync.providers.all()}
    page = await asked.visitor.tablesync.connections.page(limit=MOST_CONNECTIONS)
    fits = [
        each
        for each in page.items
        if (known := providers.get(each.provider))
        and (known.is_source if sources else known.is_destination)
    ]
    return sorted(fits, key=lambda each: each.status != "connected")


def called(connection: ConnectionView) -> str:
    """Return what people call a connection."""
    return connection.name or connection.account.name or connection.account.id


def labelled(connection: ConnectionView) -> str:
    """Return a connection's provider and name."""
    lost = "" if connection.status == "connected" else " (disconnected)"
    return f"{provider_label(str(connection.provider))}, {called(connection)}{lost}"


def trouble(error: AwayError | ProblemError) -> str:
    """Say why something cannot be had now, and what helps."""
    if isinstance(error, InvalidError) and error.problem.errors:
        return " ".join(f"{each.message}. {each.remedy}" for each in error.problem.errors)
    if isinstance(error, ProblemError):
        return error.problem.detail
    if isinstance(error, UnconfirmedError):
        return (
            f"{error.service} did not answer in time: it may have been done, or not. Look again "
            "before you repeat it."
        )
    return f"{error.service} does not answer. Nothing was changed; try again in a moment."
