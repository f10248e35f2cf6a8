"""HubSpot's scopes: those of schemas only help to see definitions, which those of objects show."""

from tablesync.contracts.permissions.base import Permission

_OBJECTS = ("contacts", "companies", "deals")

PERMISSIONS = (
    Permission("oauth", "see which portal it is"),
    *(
        Permission(f"crm.objects.{each}.read", f"read {each}", reads=frozenset({each}))
        for each in _OBJECTS
    ),
    *(
        Permission(f"crm.schemas.{each}.read", f"see which properties {each} have")
        for each in _OBJECTS
    ),
)
