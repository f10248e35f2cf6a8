"""A draft as scheduler keeps it: its version, and the id by which addresses name it.

Each form says which version it was made from. What somebody has chosen otherwise meanwhile, in
another tab, is shown before anything is kept over it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError
from tablesync.client import ConflictError, NotFoundError
from tablesync.contracts.ids import is_id
from tablesync.contracts.public_api.people import Role
from tablesync.contracts.public_api.sync_drafts import (
    MOST_CONTENTS,
    MOST_TITLE,
    MadeOf,
    NewSyncDraft,
    SyncDraft,
    SyncDraftEdit,
    SyncDraftSummary,
)
from tablesync.dashboard.pages.making.draft import Draft
from tablesync.dashboard.web.answers import SeeOtherError
from tablesync.dashboard.web.desk import Asked
from tablesync.dashboard.web.forms import Form, FormTooLargeError
from tablesync.dashboard.web.silences import or_silent, told

NEW = "/syncs/new"
MEANWHILE = "edited-meanwhile"
MOVED_ON = (
    "You have changed this draft in another tab meanwhile, so nothing was kept or made. Shown is "
    "the draft as it is now, with what you chose here: press the button once more to go on so."
)


class DraftGoneError(Exception):
    """A draft that is not there any more; `path` is where another one begins."""

    def __init__(self, asked: Asked) -> None:
        super().__init__("a draft is not there any more")
        self.path = asked.path(NEW)


@dataclass(frozen=True)
class Kept:
    """A draft, and what is kept of it: nothing has no id."""

    draft: Draft = field(default_factory=Draft)
    id: str = ""
    version: int = 0

    def address(self, step: str) -> str:
        """Return the address of one of its steps, inside its workspace."""
        return f"{NEW}?step={step}{self._named}"

    @property
    def table_address(self) -> str:
        """The address at which a table is made for it."""
        return f"{NEW}/table?{self._named.removeprefix('&')}"

    @property
    def made_of(self) -> MadeOf:
        """What a sync says that is made of it."""
        return MadeOf(id=self.id, version=self.version)

    def with_draft(self, draft: Draft) -> "Kept":
        """Return it with what was chosen and is not kept yet."""
        return replace(self, draft=draft)

    def has_moved_on(self, form: Form) -> bool:
        """Whether it is another one than a form was made from."""
        return form.get("version", str(self.version)) != str(self.version)

    @property
    def _named(self) -> str:
        return f"&draft={self.id}" if self.id else ""


async def read(asked: Asked, id_: str) -> Kept:
    """Return a draft as it is now; an empty one without an id.

    Raises DraftGoneError, and SeeOtherError to the sync that was made of it.
    """
    if not id_:
        return Kept()
    if not is_draft(id_):
        raise DraftGoneError(asked)
    try:
        found = await asked.visitor.tablesync.drafts.get(id_)
        if not found.sync_id:
            return _read(found)
    except (NotFoundError, ValidationError) as error:
        raise DraftGoneError(asked) from error
    raise SeeOtherError(asked.path(f"/syncs/{found.sync_id}"))


async def keep(asked: Asked, kept: Kept, draft: Draft, once: str) -> Kept:
    """Keep what was chosen; what is kept already is no change.

    Raises DraftGoneError, FormTooLargeError, and ConflictError if it has moved on or is one too
    many.
    """
    if kept.id and draft == kept.draft:
        return kept
    drafts, said = asked.visitor.tablesync.drafts, _said(draft)
    try:
        if not kept.id:
            return _read(await drafts.keep(NewSyncDraft(**said), idempotency_key=once))
        edit = SyncDraftEdit(**said, version=kept.version)
        return _read(await drafts.change(kept.id, edit, idempotency_key=once))
    except NotFoundError as error:
        raise DraftGoneError(asked) from error


async def begun(asked: Asked) -> Sequence[SyncDraftSummary]:
    """Return what somebody has begun and not finished, for who may go on with it."""
    if not asked.visitor.may(Role.OPERATOR):
        return ()
    return told(await or_silent(asked.visitor.tablesync.drafts.all()), ())


def is_draft(id_: str) -> bool:
    """Whether an address or a form can mean a draft: only that is asked for."""
    return is_id(id_, "drf")


def is_meanwhile(error: ConflictError) -> bool:
    """Whether a draft was changed or finished since it was read."""
    return MEANWHILE in error.problem.type


def _said(draft: Draft) -> dict[str, Any]:
    contents = draft.model_dump_json(by_alias=True, exclude_defaults=True)
    if len(contents) > MOST_CONTENTS:
        raise FormTooLargeError
    return {"title": draft.title[:MOST_TITLE], "contents": contents}


def _read(found: SyncDraft) -> Kept:
    return Kept(Draft.model_validate_json(found.contents), found.id, found.version)
