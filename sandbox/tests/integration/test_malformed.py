"""Malformed requests are refused, never answered with a failure of the sandbox itself."""

import random
from typing import Any

import httpx
import pytest
from tablesync.test_kit import SandboxControl

MEMBERS = (
    "id",
    "fields",
    "name",
    "type",
    "options",
    "propertyName",
    "operator",
    "value",
    "choices",
)
VALUES = (None, True, 5, -1.5, 10**30, "", "é", "EQ", "2024-01-01", "recAAAAAAAAAAAAAA", "email")
TABLE = "/airtable/v0/{base}/Contacts"
META = "/airtable/v0/meta/bases"
ROUTES = [
    ("POST", TABLE, ("fields", "records", "typecast")),
    ("PATCH", TABLE, ("records", "typecast", "performUpsert")),
    ("PUT", TABLE, ("records", "performUpsert")),
    ("POST", TABLE + "/listRecords", ("fields", "sort", "filterByFormula", "pageSize", "offset")),
    ("POST", META, ("name", "tables")),
    ("POST", META + "/{base}/tables", ("name", "fields")),
    ("POST", META + "/{base}/tables/Contacts/fields", ("name", "type", "options")),
    (
        "POST",
        "/hubspot/crm/v3/objects/contacts/search",
        ("filterGroups", "sorts", "after", "query"),
    ),
    ("POST", "/hubspot/crm/v3/objects/contacts/batch/read", ("inputs", "properties")),
    ("POST", "/_control/hubspot/7001/edit", ("object", "ids", "count", "properties")),
    ("POST", "/_control/hubspot/7001/arm", ("after", "action", "body")),
]


def anything(source: random.Random, depth: int = 0) -> Any:
    shape = source.choice("vvlo" if depth < 3 else "v")
    if shape == "l":
        return [anything(source, depth + 1) for _ in range(source.randrange(3))]
    if shape == "o":
        members = source.sample(MEMBERS, source.randrange(3))
        return {member: anything(source, depth + 1) for member in members}
    return source.choice(VALUES)


@pytest.mark.parametrize(("method", "path", "members"), ROUTES)
async def test_no_body_breaks_a_route(
    sandbox: SandboxControl, http: httpx.AsyncClient, method: str, path: str, members
):
    provider = "airtable" if path.startswith("/airtable") else "hubspot"
    token = (await sandbox.mint(provider, "-"))["access_token"]
    url = path.format(base=(await sandbox.bases())["bases"][0]["id"])
    source = random.Random(path + method)
    for _ in range(25):
        body = {name: anything(source) for name in members if source.random() < 0.8}
        answer = await http.request(
            method, url, json=body, headers={"authorization": f"Bearer {token}"}
        )
        assert answer.status_code < 500, body


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", b"null"])
async def test_a_body_that_is_no_object_is_refused(
    sandbox: SandboxControl, http: httpx.AsyncClient, content: bytes
):
    base = (await sandbox.bases())["bases"][0]["id"]
    for provider, path, status in (
        ("airtable", f"/airtable/v0/{base}/Contacts", 422),
        ("hubspot", "/hubspot/crm/v3/objects/contacts/search", 400),
    ):
        token = (await sandbox.mint(provider, "-"))["access_token"]
        answer = await http.post(
            path, content=content, headers={"authorization": f"Bearer {token}"}
        )
        assert answer.status_code == status
