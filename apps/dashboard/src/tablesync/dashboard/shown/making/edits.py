"""What somebody else has changed of a sync meanwhile, for whoever was editing it, too."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tablesync.contracts.internal_api import AirtableField, SourceProperty
from tablesync.contracts.public_api.syncs import NewMapping

LEFT_OUT = "left out"
_Told = Mapping[str, str]


@dataclass(frozen=True)
class Difference:
    """One thing that was changed meanwhile, and how it stands in the form."""

    what: str
    before: str
    now: str
    kept: str


def differences(before: _Told, now: _Told, kept: _Told) -> list[Difference]:
    """Return what is another by now, by what it is called."""
    names = dict.fromkeys([*before, *now])
    found = [[each.get(name, LEFT_OUT) for each in (before, now, kept)] for name in names]
    rows = zip(names, found, strict=True)
    return [Difference(name, *told) for name, told in rows if told[0] != told[1]]


def told_mapping(
    mapping: Sequence[NewMapping],
    properties: Sequence[SourceProperty],
    fields: Sequence[AirtableField],
) -> dict[str, str]:
    """Tell where each property goes, and of one with options, as what."""
    fields_by_id = {each.id: each.name for each in fields}
    by_name = {each.name: each for each in properties}
    labels = Counter(each.label for each in properties)
    told = {}
    for each in mapping:
        known = by_name.get(each.source)
        is_clear = known is not None and labels[known.label] == 1
        label = known.label if known and is_clear else each.source
        words = f", as {each.as_}" if each.as_ and known and known.options else ""
        told[label] = f"{fields_by_id.get(each.field_id, each.field_id)}{words}"
    return told
