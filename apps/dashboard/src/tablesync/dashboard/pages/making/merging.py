"""Two edits of one sync at once: each one's changes are kept, and of what both changed, mine."""

from collections.abc import Mapping

from tablesync.contracts.public_api.syncs import NewMapping
from tablesync.dashboard.pages.making.draft import Draft

_Mapping = Mapping[str, NewMapping]


def merged(was: Draft, typed: Draft, now: Draft) -> Draft:
    """Return a sync as it is now, with what was typed otherwise than it was."""
    changed = {
        each: getattr(typed, each)
        for each in ("name", "overlap")
        if getattr(typed, each) != getattr(was, each)
    }
    if typed.schedule != was.schedule:
        changed |= {"every": typed.every, "unit": typed.unit}
    mapping = _merged_mapping(_by_source(was), _by_source(typed), _by_source(now))
    return now.model_copy(update={**changed, "mapping": mapping})


def _merged_mapping(was: _Mapping, typed: _Mapping, now: _Mapping) -> tuple[NewMapping, ...]:
    def chosen(source: str) -> NewMapping | None:
        is_as_it_was = _is_same(typed.get(source), was.get(source))
        return now.get(source) if is_as_it_was else typed.get(source)

    found = map(chosen, dict.fromkeys([*now, *typed]))
    return tuple(each for each in found if each is not None)


def _is_same(typed: NewMapping | None, was: NewMapping | None) -> bool:
    """Whether a form says what it was made from; of what has no options it says no words."""
    if typed is None or was is None:
        return typed is was
    return typed.field_id == was.field_id and typed.as_ in (None, was.as_)


def _by_source(draft: Draft) -> _Mapping:
    return {each.source: each for each in draft.mapping or ()}
