"""Finds what breaks readers or old events when an event's JSON Schema changes.

A contract only grows: a new optional field, or a new value of an enum. Everything else needs a new
version of the event type, a looser bound as well: a reader of the version before refuses what lies
beyond its own. (Readers of a new enum value are upgraded before its first writer.) A keyword that
nobody taught this comparison is a fault too, so that no change passes because it was not looked at.
"""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

Schema = dict[str, Any]

# What limits a value of one type; a reader of either version may hold it against the other's.
_LIMITS = (
    *("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"),
    *("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"),
    *("const", "format", "pattern", "multipleOf", "uniqueItems"),
)
_WORDS = ("$schema", "$id", "title", "description", "examples", "deprecated")
_PARTS_BY_NAME = ("$defs", "properties")
_PARTS_IN_ORDER = ("anyOf", "prefixItems")
_PARTS = ("items", "additionalProperties")
_KNOWN = {
    *("$ref", "type", "enum", "default", "required"),
    *(*_LIMITS, *_WORDS, *_PARTS_BY_NAME, *_PARTS_IN_ORDER, *_PARTS),
}

# In JSON Schema, `true` and an absent part allow any value; `false` allows none.
_ANYTHING: Schema = {}
_NOTHING: Schema = {"enum": []}


def breaks(old: Schema, new: Schema) -> list[str]:
    """Name each incompatible change between two schemas of one event type, by field."""
    return [*_unknown(old), *_unknown(new), *_Comparison(old, new).of(old, new, "")]


class _Alternative(NamedTuple):
    """One of the schemas that a value may follow."""

    kind: str
    name: str
    schema: Schema


class _Comparison:
    """Compares two documents, following each one's own references."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self._old = old
        self._new = new

    def of(self, old: Schema | bool, new: Schema | bool, path: str) -> Iterator[str]:
        """Compare two schemas at one place."""
        old, new = _resolved(self._old, old), _resolved(self._new, new)
        yield from self._alternatives(old, new, path)
        yield from _limits(old, new, path)
        yield from self._properties(old, new, path)
        yield from self._elements(old, new, path)

    def _alternatives(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        """Compare string with string; by name where there are several of one type."""
        before, after = _alternatives(self._old, old), _alternatives(self._new, new)
        crowded = _crowded(before) | _crowded(after)
        olds, news = _by_name(before, crowded), _by_name(after, crowded)
        if len(olds) < len(before) or len(news) < len(after):
            yield f"{path or 'value'}: has alternatives that cannot be told apart"
        for name in sorted(olds.keys() - news.keys()):
            yield f"{path or 'value'}: may no longer be {name}"
        for name in sorted(news.keys() - olds.keys()):
            yield f"{path or 'value'}: may now be {name} as well"
        if "anyOf" in old or "anyOf" in new:
            for name in sorted(olds.keys() & news.keys()):
                yield from self.of(olds[name], news[name], path)

    def _properties(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        olds, news = old.get("properties", {}), new.get("properties", {})
        for name in sorted(olds.keys() - news.keys()):
            yield f"{_join(path, name)}: was removed"
        if old.get("additionalProperties", True) not in (True, _ANYTHING):
            for name in sorted(news.keys() - olds.keys()):
                yield f"{_join(path, name)}: is new where readers refuse what they do not know"
        yield from _presence(old, new, path)
        for name in sorted(olds.keys() & news.keys()):
            yield from self.of(olds[name], news[name], _join(path, name))

    def _elements(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        """Compare the members of a list, of a tuple and of a map."""
        for keyword, place in (("items", f"{path}[]"), ("additionalProperties", _join(path, "*"))):
            if keyword in old or keyword in new:
                yield from self.of(old.get(keyword, True), new.get(keyword, True), place)
        olds, news = old.get("prefixItems", []), new.get("prefixItems", [])
        if len(olds) != len(news):
            yield f"{path}: has {len(news)} places instead of {len(olds)}"
        for index, (was, now) in enumerate(zip(olds, news, strict=False)):
            yield from self.of(was, now, f"{path}[{index}]")


def _alternatives(document: Schema, schema: Schema) -> list[_Alternative]:
    return [_alternative(document, part) for part in schema.get("anyOf", [schema])]


def _alternative(document: Schema, part: Schema | bool) -> _Alternative:
    schema = _resolved(document, part)
    name = part.get("$ref", part.get("title")) if isinstance(part, dict) else None
    return _Alternative(
        str(schema.get("type", "any")),
        name.removeprefix("#/$defs/") if name else json.dumps(schema, sort_keys=True),
        schema,
    )


def _crowded(alternatives: list[_Alternative]) -> set[str]:
    """Return the types of which there are several, so that a type says too little."""
    counts = Counter(each.kind for each in alternatives)
    return {kind for kind, count in counts.items() if count > 1}


def _by_name(alternatives: list[_Alternative], crowded: set[str]) -> dict[str, Schema]:
    """Key by type where that tells them apart: a class may get another name."""
    return {each.name if each.kind in crowded else each.kind: each.schema for each in alternatives}


def _presence(old: Schema, new: Schema, path: str) -> Iterator[str]:
    olds, news = set(old.get("required", ())), set(new.get("required", ()))
    for name in sorted(news - olds):
        yield f"{_join(path, name)}: is now required"
    for name in sorted(olds - news):
        if name in new.get("properties", {}):
            yield f"{_join(path, name)}: is no longer required"


def _limits(old: Schema, new: Schema, path: str) -> Iterator[str]:
    """Compare what a value of one type may be, and what its absence means."""
    yield from _values(old, new, path)
    for name in _LIMITS:
        if name in new and (name not in old or old[name] != new[name]):
            yield f"{path}: {name} is now {new[name]!r}"
        elif name in old and name not in new:
            yield f"{path}: {name} is no longer {old[name]!r}"
    if "default" in old and "default" in new and old["default"] != new["default"]:
        yield f"{path}: default is now {new['default']!r}"


def _values(old: Schema, new: Schema, path: str) -> Iterator[str]:
    if "enum" in new and "enum" not in old:
        yield f"{path}: is now limited to some values"
    if "enum" in old and "enum" not in new:
        yield f"{path}: is no longer limited to some values"
    for value in old.get("enum", ()):
        if "enum" in new and value not in new["enum"]:
            yield f"{path}: may no longer be {value!r}"


def _unknown(schema: Schema | bool, path: str = "#") -> Iterator[str]:
    """Name each keyword that the comparison would pass over."""
    if isinstance(schema, bool):
        return
    for keyword in sorted(schema.keys() - _KNOWN):
        yield f"{path}: {keyword} is not known to the comparison; teach it"
    for name, part in _parts(schema):
        yield from _unknown(part, f"{path}/{name}")


def _parts(schema: Schema) -> Iterator[tuple[str, Schema | bool]]:
    for keyword in _PARTS_BY_NAME:
        yield from schema.get(keyword, {}).items()
    for keyword in _PARTS_IN_ORDER:
        for part in schema.get(keyword, ()):
            yield keyword, part
    for keyword in _PARTS:
        if keyword in schema:
            yield keyword, schema[keyword]


def _resolved(document: Schema, schema: Schema | bool) -> Schema:
    """Return what a reference names, with what stands beside the reference."""
    if isinstance(schema, bool):
        return _ANYTHING if schema else _NOTHING
    if "$ref" not in schema:
        return schema
    beside = {name: value for name, value in schema.items() if name != "$ref"}
    target = document["$defs"][schema["$ref"].rpartition("/")[2]]
    return _resolved(document, target) | beside


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
