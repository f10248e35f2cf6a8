"""What is asked for beside what always is: kept once it was allowed, and missed by nobody."""

from urllib.parse import parse_qs, urlsplit

import pytest
from auth_service_attempts import begin, leave
from auth_service_rig import Json, Rig
from tablesync.contracts import Provider
from tablesync.contracts.permissions import required_scopes
from tablesync.test_kit import press

CREATE = "schema.bases:write"


async def asked_for(rig: Rig, attempt: Json) -> list[str]:
    """Return the scopes that the provider's page asks for."""
    _, page = await leave(rig, attempt)
    return parse_qs(urlsplit(page).query)["scope"][0].split()


async def test_an_extra_is_asked_for_where_it_is_wished_for_and_kept_ever_after(rig: Rig) -> None:
    plain = await rig.connect("airtable")
    assert (plain["badge"], CREATE in plain["scopes"]) == ("Connected", False)
    assert CREATE not in await asked_for(rig, await begin(rig, "airtable"))

    wished = {"connection_id": plain["id"], "extras": ["create_tables"]}
    attempt = await begin(rig, "airtable", **wished)
    page = await rig.client().get(attempt["start_url"])
    assert "also ask to let TableSync create tables and fields" in page.text
    await press(rig.client(follow_redirects=True), attempt["start_url"])

    extended = await rig.connection(plain["id"])
    assert [*extended["scopes"]] == [*required_scopes(Provider.AIRTABLE), CREATE]
    for again in (
        await begin(rig, "airtable"),  # it may turn out to be for the same account
        await begin(rig, "airtable", connection_id=plain["id"]),
        await begin(rig, "airtable", **wished),
    ):
        assert (await asked_for(rig, again)).count(CREATE) == 1
    by_link = await press(rig.client(), await rig.link(plain["id"], "admin"))
    assert CREATE in parse_qs(urlsplit(by_link.headers["location"]).query)["scope"][0]


@pytest.mark.parametrize(
    ("provider", "remedy"), [("airtable", "create_tables"), ("hubspot", "leave it out")]
)
async def test_p21_an_extra_that_is_none_is_refused_with_those_that_are(
    rig: Rig, provider: str, remedy: str
) -> None:
    body = {"provider": provider, "extras": ["delete_everything"]}
    answer = await (await rig.operator()).post("/v1/authorizations", json=body)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["field"] == "extras"
    assert remedy in error["remedy"]
