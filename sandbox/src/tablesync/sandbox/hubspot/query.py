"""A search request, read and checked against HubSpot's limits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tablesync.sandbox.web import entries

from . import errors
from .definitions import PropertyDefinitions
from .filters import OPERATORS

RESULT_CAP = 10_000
MAXIMUM_LIMIT = 200
MAXIMUM_GROUPS, MAXIMUM_PER_GROUP, MAXIMUM_FILTERS = 5, 6, 18
MAXIMUM_BODY_CHARACTERS = 3_000

Filter = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Query:
    """What to find, in which order, and which part of it to show."""

    groups: tuple[tuple[Filter, ...], ...]
    text: str
    sort: str | None
    descending: bool
    properties: tuple[str, ...]
    limit: int
    after: int


def read_query(body: Mapping[str, Any], definitions: PropertyDefinitions) -> Query:
    """Return the query of a search body; raise a 400 refusal for one that HubSpot refuses."""
    groups = _groups(body, definitions)
    sort, descending = _sort(body)
    limit, after = _integer(body, "limit", 10), _integer(body, "after", 0)
    if not 0 <= limit <= MAXIMUM_LIMIT:
        raise errors.validation(f"Limit {limit} is not between 0 and {MAXIMUM_LIMIT}.")
    if after < 0 or after + limit > RESULT_CAP:
        raise errors.validation(
            f"Paging past {RESULT_CAP} results of one query is not possible.",
            after=[str(after)],
        )
    properties = tuple(named_properties(body))
    text = str(body.get("query") or "").lower()
    return Query(groups, text, sort, descending, properties, limit, after)


def named_properties(body: Mapping[str, Any]) -> list[str]:
    """Return the property names that a body asks for."""
    invalid = errors.validation("Invalid input JSON: properties.")
    return entries(body.get("properties"), str, invalid)


def _integer(body: Mapping[str, Any], name: str, default: int) -> int:
    value = body.get(name)
    if value in (None, ""):
        return default
    try:
        return int(str(value))
    except ValueError:
        raise errors.validation(f"Invalid input JSON: {name} is no integer.") from None


def _groups(
    body: Mapping[str, Any], definitions: PropertyDefinitions
) -> tuple[tuple[Filter, ...], ...]:
    try:
        groups = tuple(tuple(group["filters"]) for group in body.get("filterGroups") or ())
    except (KeyError, TypeError):
        raise errors.validation("Invalid input JSON: filterGroups.") from None
    _check_sizes(groups)
    for entry in (entry for group in groups for entry in group):
        _check_filter(entry, definitions)
    return groups


def _check_sizes(groups: tuple[tuple[Filter, ...], ...]) -> None:
    total = sum(map(len, groups))
    largest = max(map(len, groups), default=0)
    if len(groups) > MAXIMUM_GROUPS or largest > MAXIMUM_PER_GROUP or total > MAXIMUM_FILTERS:
        raise errors.validation(
            f"At most {MAXIMUM_GROUPS} filter groups, {MAXIMUM_PER_GROUP} filters in each and "
            f"{MAXIMUM_FILTERS} filters in all are possible."
        )


def _check_filter(entry: Filter, definitions: PropertyDefinitions) -> None:
    if not isinstance(entry, Mapping) or entry.get("operator") not in OPERATORS:
        raise errors.validation("Invalid input JSON: unknown filter operator.")
    name = str(entry.get("propertyName"))
    if definitions.type_of(name) is None:
        raise errors.validation("There was a problem with the request.", propertyName=[name])


def _sort(body: Mapping[str, Any]) -> tuple[str | None, bool]:
    sorts = entries(body.get("sorts"), (str, dict), errors.validation("Invalid input JSON: sorts."))
    if len(sorts) > 1:
        raise errors.validation("Only one sort is possible.")
    if not sorts:
        return None, False
    if isinstance(sorts[0], str):
        return sorts[0].removeprefix("-"), sorts[0].startswith("-")
    return str(sorts[0].get("propertyName")), sorts[0].get("direction") == "DESCENDING"
