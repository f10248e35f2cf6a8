"""Every Airtable path."""

from aiohttp import web

from .authorize import AuthorizeRoutes
from .browsing import BrowsingRoutes
from .reading import ReadingRoutes
from .schema import SchemaRoutes
from .state import AirtableState
from .tokens import TokenRoutes
from .writing import WritingRoutes

_OAUTH = "/airtable/oauth2/v1"
_META = "/airtable/v0/meta"
_TABLE = "/airtable/v0/{base:app[^/]*}/{table}"


def routes(state: AirtableState) -> list[web.RouteDef]:
    """Return Airtable's routes."""
    return [*_oauth(state), *_schema(state), *_records(state), *_pages(state)]


def _oauth(state: AirtableState) -> list[web.RouteDef]:
    authorize = AuthorizeRoutes(state)
    return [
        web.get(f"{_OAUTH}/authorize", authorize.show),
        web.post(f"{_OAUTH}/authorize", authorize.act),
        web.get("/airtable/logout", authorize.sign_out),
        web.post(f"{_OAUTH}/token", TokenRoutes(state).token),
    ]


def _schema(state: AirtableState) -> list[web.RouteDef]:
    schema = SchemaRoutes(state)
    tables = f"{_META}/bases/{{base}}/tables"
    return [
        web.get(f"{_META}/whoami", schema.whoami),
        web.get(f"{_META}/bases", schema.bases),
        web.post(f"{_META}/bases", schema.create_base),
        web.get(tables, schema.tables),
        web.post(tables, schema.create_table),
        web.patch(f"{tables}/{{table}}", schema.change_table),
        web.post(f"{tables}/{{table}}/fields", schema.create_field),
        web.patch(f"{tables}/{{table}}/fields/{{field}}", schema.change_field),
    ]


def _records(state: AirtableState) -> list[web.RouteDef]:
    reading, writing = ReadingRoutes(state), WritingRoutes(state)
    record = f"{_TABLE}/{{record}}"
    return [
        web.patch(_TABLE, writing.update_many),
        web.put(_TABLE, writing.update_many),
        web.get(_TABLE, reading.list_by_query),
        web.post(_TABLE, writing.create),
        web.delete(_TABLE, writing.delete_many),
        web.post(f"{_TABLE}/listRecords", reading.list_by_body),
        web.get(record, reading.get_record),
        web.patch(record, writing.update_one),
        web.put(record, writing.update_one),
        web.delete(record, writing.delete_one),
    ]


def _pages(state: AirtableState) -> list[web.RouteDef]:
    browsing = BrowsingRoutes(state)
    table = "/airtable/{base:app[^/]*}/{table:tbl[^/]*}"
    return [web.get(table, browsing.show), web.get(f"{table}/{{row:rec[^/]*}}", browsing.show)]
