"""Property definitions of one object."""

from collections.abc import Mapping
from typing import Any

from tablesync.sandbox.seed.catalogue import CATALOGUE, PropertySpec

SINCE = "2024-01-01T00:00:00Z"
SINGULAR = {"contacts": "contact", "companies": "company", "deals": "deal"}
_UPDATED = "2024-06-01T12:30:45.678Z"


class PropertyDefinitions:
    """The definitions by name; scripts may add custom ones or change what there is."""

    def __init__(self, kind: str) -> None:
        self.by_name: dict[str, dict[str, Any]] = {
            spec.name: _definition(kind, spec, order) for order, spec in enumerate(CATALOGUE[kind])
        }
        self._kind = kind

    def type_of(self, name: str) -> str | None:
        """Return the type of a property, None for an unknown one."""
        definition = self.by_name.get(name)
        return definition["type"] if definition and not definition["archived"] else None

    def listed(self, archived: bool) -> list[dict[str, Any]]:
        """Return the definitions as the API lists them."""
        return [entry for entry in self.by_name.values() if entry["archived"] == archived]

    def groups(self) -> list[dict[str, Any]]:
        """Return the groups that properties name, as the API lists them."""
        names = dict.fromkeys(str(each["groupName"]) for each in self.by_name.values())
        return [
            {
                "name": name,
                "label": f"{name.removesuffix('information').capitalize()} information",
                "displayOrder": order,
                "archived": False,
            }
            for order, name in enumerate(names)
        ]

    def put(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Create a custom property, or change the named members of one that exists."""
        name = str(changes["name"])
        known = self.by_name.get(name) or _custom(self._kind, name, len(self.by_name))
        known.update(changes)
        known["options"] = [_option(order, entry) for order, entry in enumerate(known["options"])]
        self.by_name[name] = known
        return known


def _custom(kind: str, name: str, order: int) -> dict[str, Any]:
    label = name.replace("_", " ").capitalize()
    spec = PropertySpec(name, label, "string", "text", "singleLineText", custom=True)
    return _definition(kind, spec, order)


def _option(order: int, entry: Mapping[str, Any]) -> dict[str, Any]:
    value = entry.get("value", entry.get("label"))
    return {"label": value, "value": value, "hidden": False, "displayOrder": order, **entry}


def _definition(kind: str, spec: PropertySpec, order: int) -> dict[str, Any]:
    definition: dict[str, Any] = {
        "updatedAt": _UPDATED,
        "createdAt": SINCE,
        "name": spec.name,
        "label": spec.label,
        "type": spec.type,
        "fieldType": spec.field_type,
        "description": "",
        "groupName": f"{SINGULAR[kind]}information",
        "options": [
            _option(n, {"label": label, "value": value})
            for n, (value, label) in enumerate(spec.options)
        ],
        "displayOrder": order,
        "calculated": False,
        "externalOptions": False,
        "archived": False,
        "hasUniqueValue": spec.name == "hs_object_id",
        "hidden": False,
        "modificationMetadata": {
            "archivable": spec.custom,
            "readOnlyDefinition": not spec.custom,
            "readOnlyValue": spec.read_only,
        },
        "formField": not spec.read_only,
        "dataSensitivity": "non_sensitive",
    }
    if not spec.custom:
        definition["hubspotDefined"] = True
    return definition
