"""Airtable's scopes: all but the e-mail address and the extra one are needed to write a table."""

from tablesync.contracts.permissions.base import Permission

PERMISSIONS = (
    Permission("data.records:read", "read records", writes=True),
    Permission("data.records:write", "write records", writes=True),
    Permission("schema.bases:read", "see which tables and fields there are", writes=True),
    Permission("user.email:read", "see your e-mail address"),
    Permission("schema.bases:write", "create tables and fields", extra="create_tables"),
)
