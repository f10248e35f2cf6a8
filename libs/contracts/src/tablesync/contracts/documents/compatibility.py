"""Finds what breaks readers or old events when an event's JSON Schema changes.

A contract only grows: a new optional field, or a new value of an enum. Everything else needs a new
version of the event type, a looser bound as well: a reader of the version before refuses what lies
beyond its own. (Readers of a new enum value are upgraded before its first writer.)
"""

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

# What limits a value of one type; a reader of either version may hold it against the other's.
_LIMITS = (
    *("minimum", "exclusiveMinimum", "minLength", "minItems"),
    *("maximum", "exclusiveMaximum", "maxLength", "maxItems"),
    *("const", "format", "pattern"),
)


def breaks(old: Schema, new: Schema) -> list[str]:
    """Name each incompatible change between two schemas of one event type, by field."""
    return list(_Comparison(old, new).of(old, new, ""))


class _Comparison:
    """Compares two documents, following each one's own references."""

    def __init__(self, old: Schema, new: Schema) -> None:
        self._old = old
        self._new = new

    def of(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        """Compare two schemas at one place."""
        old, new = _resolved(self._old, old), _resolved(self._new, new)
        yield from self._alternatives(old, new, path)
        yield from _limits(old, new, path)
        yield from self._properties(old, new, path)
        if "items" in old and "items" in new:
            yield from self.of(old["items"], new["items"], f"{path}[]")

    def _alternatives(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        """Compare type by type: `string` with `string`, an object with the object."""
        olds, news = self._by_type(self._old, old), self._by_type(self._new, new)
        for kind in sorted(olds.keys() - news.keys()):
            yield f"{path or 'value'}: may no longer be {kind}"
        for kind in sorted(news.keys() - olds.keys()):
            yield f"{path or 'value'}: may now be {kind} as well"
        if "anyOf" in old or "anyOf" in new:
            for kind in sorted(olds.keys() & news.keys()):
                yield from self.of(olds[kind], news[kind], path)

    def _by_type(self, document: Schema, schema: Schema) -> dict[str, Schema]:
        parts = [_resolved(document, part) for part in schema.get("anyOf", [schema])]
        return {str(part.get("type", "any")): part for part in parts}

    def _properties(self, old: Schema, new: Schema, path: str) -> Iterator[str]:
        olds, news = old.get("properties", {}), new.get("properties", {})
        for name in olds.keys() - news.keys():
            yield f"{_join(path, name)}: was removed"
        for name in sorted(set(new.get("required", ())) - set(old.get("required", ()))):
            yield f"{_join(path, name)}: is now required"
        for name in sorted(set(old.get("required", ())) - set(new.get("required", ()))):
            if name in news:
                yield f"{_join(path, name)}: is no longer required"
        for name in olds.keys() & news.keys():
            yield from self.of(olds[name], news[name], _join(path, name))


def _limits(old: Schema, new: Schema, path: str) -> Iterator[str]:
    """Compare what a value of one type may be."""
    yield from _values(old, new, path)
    for name in _LIMITS:
        if name in new and old.get(name) != new[name]:
            yield f"{path}: {name} is now {new[name]!r}"
        elif name in old and name not in new:
            yield f"{path}: {name} is no longer {old[name]!r}"


def _values(old: Schema, new: Schema, path: str) -> Iterator[str]:
    if "enum" in new and "enum" not in old:
        yield f"{path}: is now limited to some values"
    if "enum" in old and "enum" not in new:
        yield f"{path}: is no longer limited to some values"
    for value in old.get("enum", ()):
        if "enum" in new and value not in new["enum"]:
            yield f"{path}: may no longer be {value!r}"


def _resolved(document: Schema, schema: Schema) -> Schema:
    reference = schema.get("$ref")
    if reference is None:
        return schema
    resolved: Schema = document["$defs"][reference.rpartition("/")[2]]
    return _resolved(document, resolved)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
