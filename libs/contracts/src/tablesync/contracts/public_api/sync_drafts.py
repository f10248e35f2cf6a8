"""Drafts of syncs (scheduler): what somebody has chosen of a sync that is not made yet."""

from typing import Annotated

from pydantic import Field, StringConstraints
from pydantic.config import JsonDict
from tablesync.contracts.internal_api.base import showing
from tablesync.contracts.public_api.base import Answer, Asked
from tablesync.contracts.specs import Moment, is_none

DRAFT_ID = "drf_01997f2e-4c20-7d55-8b64-7f8a9b0c1d08"


_CONTENTS: JsonDict = {"title": "HubSpot Deals", "contents": '{"object": "deals"}'}


_MOMENTS: JsonDict = {
    "created_at": "2026-11-22T09:52:41.803Z",
    "changed_at": "2026-11-22T09:58:02.117Z",
    "expires_at": "2026-12-06T09:58:02.117Z",
}


_SUMMARY: JsonDict = {"id": DRAFT_ID, "version": 3, "title": "HubSpot Deals", **_MOMENTS}


# What lists show, and the fields of the widest sync that there may be, twice over.
MOST_TITLE = 200
MOST_CONTENTS = 262_144

Title = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MOST_TITLE)]
Contents = Annotated[str, StringConstraints(max_length=MOST_CONTENTS)]


class NewSyncDraft(Asked):
    """A draft to keep."""

    model_config = showing(_CONTENTS)

    title: Title = Field(description="What lists call it.")
    contents: Contents = Field(
        description="What was chosen so far, in the words of whoever keeps it: nobody else reads "
        "it, and what of it is wrong is told when the sync is made."
    )


class SyncDraftEdit(NewSyncDraft):
    """A draft as it is to be from now on."""

    model_config = showing({**_CONTENTS, "version": 3})

    version: int = Field(
        description="The version that was changed: if the draft has another by now, nothing is "
        "changed, and the answer is 409."
    )


class MadeOf(Asked):
    """The draft that a sync is made of: it is finished with it, in one."""

    model_config = showing({"id": DRAFT_ID, "version": 3})

    id: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    version: int = Field(
        description="The version that was seen: of another no sync is made, and the answer is 409."
    )


class SyncDraftSummary(Answer):
    """A draft as lists show it."""

    model_config = showing(_SUMMARY)

    id: str
    version: int
    title: str
    created_at: Moment
    changed_at: Moment
    expires_at: Moment = Field(description="It is kept until then, unless it is changed before.")


class SyncDrafts(Answer):
    """The drafts of whoever asks that are not finished, the one that was changed last first."""

    model_config = showing({"items": [_SUMMARY]})

    items: tuple[SyncDraftSummary, ...]


class SyncDraft(SyncDraftSummary):
    """A draft with all that was chosen."""

    model_config = showing({**_SUMMARY, "contents": _CONTENTS["contents"]})

    contents: str = Field(description="Nothing, once it is finished.")
    sync_id: str | None = Field(
        default=None, exclude_if=is_none, description="The sync that was made of it."
    )
