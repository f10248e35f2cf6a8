"""The actions that only Airtable has."""

from tablesync.sandbox.airtable.authorize import ENABLED_SCOPES
from tablesync.sandbox.airtable.cells import CellReader
from tablesync.sandbox.airtable.schema import add_field, add_table, new_base, rename_field
from tablesync.sandbox.airtable.state import AirtableState
from tablesync.sandbox.airtable.tables import Base, Field, Table
from tablesync.sandbox.airtable.tokens import TokenRoutes
from tablesync.sandbox.people import AIRTABLE_IDS, AIRTABLE_USERS

from .reading import Action, Body, member, unknown
from .shared import SharedActions


class AirtableActions:
    """Granting bases, and playing the people who design them."""

    def __init__(self, state: AirtableState) -> None:
        self._state = state
        self._shared = SharedActions(state)

    def table(self) -> dict[str, Action]:
        """Return all Airtable actions by name."""
        return {
            **self._shared.table(),
            "change-password": lambda account, _: self._shared.end(account, "password changed"),
            "mint": self.mint,
            "grant-bases": self.grant_bases,
            "share": self.share,
            "end-races": self.end_races,
            "create-base": self.create_base,
            "create-table": self.create_table,
            "add-field": self.add_field,
            "rename-field": self.rename_field,
            "delete-field": self.delete_field,
            "delete-option": self.delete_option,
            "delete-table": self.delete_table,
            "edit-row": self.edit_row,
            "delete-rows": self.delete_rows,
            "record-limit": self.record_limit,
            "sync-table": self.sync_table,
            "slow-writes": self.slow_writes,
            "refuse-value": self.refuse_value,
        }

    def accounts(self) -> dict[str, str]:
        """Return the user ids by every name that a path may use; e-mails work too."""
        return {name: name for name in AIRTABLE_USERS} | AIRTABLE_IDS

    def mint(self, account: str, body: Body) -> Body:
        """Hand out a token pair as if the person had granted access."""
        user_id = next(iter(AIRTABLE_USERS)) if account == "-" else account
        scopes = body.get("scopes") or sorted(ENABLED_SCOPES)
        grant = self._state.grants.open(
            user_id, AIRTABLE_USERS[user_id].email, "sandbox-airtable", scopes, _bases(body)
        )
        pair = TokenRoutes(self._state).issue_pair(grant)
        return {
            "access_token": pair["access_token"],
            "refresh_token": pair["refresh_token"],
            "account": user_id,
            "grant": grant.id,
        }

    def grant_bases(self, account: str, body: Body) -> Body:
        """Edit which bases the account's grants cover."""
        member(body, "bases")
        changed = list(self._state.grants.of_account(account))
        for grant in changed:
            grant.bases = _bases(body)
        return {"changed": [grant.id for grant in changed]}

    def share(self, account: str, body: Body) -> Body:
        """Return the person another role in a base: none, read, comment, edit or create."""
        base, level = self.base(body), str(member(body, "level"))
        if level not in ("none", "read", "comment", "edit", "create"):
            raise unknown("level", level, ["none", "read", "comment", "edit", "create"])
        base.permissions[account] = level
        return {"base": base.id, "permissions": base.permissions}

    def end_races(self, account: str, _: Body) -> Body:
        """Let the moment pass in which re-using a refresh token counts as a lost race."""
        grants = list(self._state.grants.of_account(account))
        for grant in grants:
            for token in self._state.grants.tokens_of(grant, "refresh"):
                token.consumed_at = 0
        return {"grants": [grant.id for grant in grants]}

    def create_base(self, account: str, body: Body) -> Body:
        """Create a base of the account's person."""
        owner = next(iter(AIRTABLE_USERS)) if account == "-" else account
        base = new_base(str(member(body, "name")), owner, list(body.get("tables") or []))
        self._state.bases[base.id] = base
        return show_base(base)

    def create_table(self, _: str, body: Body) -> Body:
        """Add a table."""
        return add_table(self.base(body), body).shown()

    def add_field(self, _: str, body: Body) -> Body:
        """Add a field, as people do in the app: a computed one, too."""
        base, table, wanted = self.base(body), self.table_of(body), member(body, "field")
        return add_field(base, table, wanted, by_hand=True).shown()

    def rename_field(self, _: str, body: Body) -> Body:
        """Rename a field."""
        table = self.table_of(body)
        field = _field(table, str(member(body, "field")))
        rename_field(table, field, str(member(body, "name")))
        return field.shown()

    def delete_field(self, _: str, body: Body) -> Body:
        """Delete a field with its cells, as a person can in the app."""
        table = self.table_of(body)
        field = _field(table, str(member(body, "field")))
        table.drop_field(field.id)
        return {"deleted": field.id}

    def delete_option(self, _: str, body: Body) -> Body:
        """Take one of its options away from a select field; cells keep it."""
        field = _field(self.table_of(body), str(member(body, "field")))
        gone = str(member(body, "option"))
        field.choices[:] = [each for each in field.choices if each["name"] != gone]
        return field.shown()

    def delete_table(self, _: str, body: Body) -> Body:
        """Delete a table with its rows."""
        base, table = self.base(body), self.table_of(body)
        del base.tables[table.id]
        return {"deleted": table.id}

    def edit_row(self, _: str, body: Body) -> Body:
        """Change cells of a row by hand, by field name or id; null empties one.

        An option that was not there is added.
        """
        table = self.table_of(body)
        row = table.rows.get(str(member(body, "row")))
        if row is None:
            raise unknown("row", str(body["row"]), list(table.rows)[:10])
        reader = CellReader(table, True, True)
        table.update(row, reader.read(dict(member(body, "fields"))))
        reader.commit()
        return {"id": row.id, "cells": row.cells}

    def delete_rows(self, _: str, body: Body) -> Body:
        """Delete rows by hand: those that are named, or all."""
        table = self.table_of(body)
        ids = [str(each) for each in body.get("rows") or table.rows if str(each) in table.rows]
        for each in ids:
            table.delete(each)
        return {"deleted": ids}

    def record_limit(self, _: str, body: Body) -> Body:
        """Let the plan of a base allow so many rows in all; null lifts the limit."""
        base, rows = self.base(body), body.get("rows")
        base.most_rows = None if rows is None else int(rows)
        return {"base": base.id, "rows": base.most_rows}

    def sync_table(self, _: str, body: Body) -> Body:
        """Have a table filled from outside, so that nobody writes it, or no longer."""
        table = self.table_of(body)
        table.synced = bool(body.get("synced", True))
        return {"table": table.id, "synced": table.synced}

    def slow_writes(self, account: str, body: Body) -> Body:
        """Look rows up at once, and write later: what is sent twice meanwhile is done twice."""
        seconds = float(member(body, "seconds"))
        self._state.faults.slow_writes(account, seconds)
        return {"seconds": seconds}

    def refuse_value(self, _: str, body: Body) -> Body:
        """Take a value for a field from nobody, or again from everybody."""
        table = self.table_of(body)
        field = _field(table, str(member(body, "field")))
        refused = field.id, str(member(body, "value"))
        if body.get("refused", True):
            table.refused.add(refused)
        else:
            table.refused.discard(refused)
        return {"field": field.id, "refused": len(table.refused)}

    def base(self, body: Body) -> Base:
        """Return the base that a body names by id or name."""
        wanted = str(member(body, "base"))
        bases = self._state.bases
        named = (base for base in bases.values() if wanted in (base.id, base.name))
        found = next(named, None)
        if found is None:
            raise unknown("base", wanted, list(bases))
        return found

    def table_of(self, body: Body) -> Table:
        """Return the table that a body names by base and by table id or name."""
        base, wanted = self.base(body), str(member(body, "table"))
        table = base.table_named(wanted)
        if table is None:
            raise unknown("table", wanted, list(base.tables))
        return table


def _bases(body: Body) -> set[str] | None:
    bases = body.get("bases")
    return None if bases in (None, "all") else set(bases or ())


def _field(table: Table, name: str) -> Field:
    field = table.field_named(name)
    if field is None:
        raise unknown("field", name, [entry.name for entry in table.fields.values()])
    return field


def show_base(base: Base) -> Body:
    """Return a base with its tables and fields."""
    return {
        "id": base.id,
        "name": base.name,
        "permissions": base.permissions,
        "tables": [{**table.shown(), "rows": len(table.rows)} for table in base.tables.values()],
    }
