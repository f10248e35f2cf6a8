"""The pages a person clicks, by the forms they submit."""

import re
from email.message import EmailMessage
from html import unescape

import aiosmtplib
import httpx
import pytest
from playwright.async_api import Browser
from tablesync.test_kit import SandboxControl
from tablesync.test_kit.browser import width_of

PHONE = 360

REDIRECT = "http://127.0.0.1:9999/callback"
HUBSPOT = {
    "client_id": "sandbox-hubspot",
    "redirect_uri": REDIRECT,
    "scope": "oauth crm.objects.contacts.read",
    "state": "s",
}
AIRTABLE = {
    "client_id": "sandbox-airtable",
    "redirect_uri": REDIRECT,
    "response_type": "code",
    "scope": "data.records:read",
    "state": "0123456789abcdef",
    "code_challenge": "c" * 43,
    "code_challenge_method": "S256",
}


def action(page: httpx.Response) -> str:
    found = re.search(r'<form method="post" action="([^"]+)"', page.text)
    assert found, page.text
    return unescape(found[1])


async def test_a_person_connects_a_portal(http: httpx.AsyncClient):
    page = await http.get("/hubspot/oauth/authorize", params=HUBSPOT)
    assert 'data-testid="user-ada@acme.test"' in page.text
    page = await http.post(action(page), data={"step": "sign-in", "user": "ada@acme.test"})
    assert "Acme Europe" in page.text
    assert "Globex" in page.text
    form = {"step": "allow", "user": "ada@acme.test", "account": "7002"}
    back = await http.post(action(page), data=form)
    assert back.status_code == 302
    assert back.headers["location"].startswith(f"{REDIRECT}?code=")


async def test_cancelling_at_hubspot_sends_nobody_back(http: httpx.AsyncClient):
    page = await http.get("/hubspot/oauth/authorize", params=HUBSPOT)
    page = await http.post(action(page), data={"step": "cancel"})
    assert page.status_code == 200
    assert "Nothing was connected" in page.text


async def test_cancelling_at_airtable_goes_back(http: httpx.AsyncClient):
    page = await http.get("/airtable/oauth2/v1/authorize", params=AIRTABLE)
    back = await http.post(action(page), data={"step": "cancel"})
    assert "error=access_denied" in back.headers["location"]


async def test_a_person_picks_bases(http: httpx.AsyncClient, sandbox: SandboxControl):
    page = await http.get("/airtable/oauth2/v1/authorize", params=AIRTABLE)
    page = await http.post(action(page), data={"step": "sign-in", "user": "ada@acme.test"})
    bases = re.findall(r'data-testid="base-(app\w+)"', page.text)
    assert len(bases) == 3
    form = {"step": "allow", "user": "ada@acme.test", "base": bases[:2]}
    back = await http.post(action(page), data=form)
    assert "code=" in back.headers["location"]


@pytest.mark.parametrize("provider", ["hubspot", "airtable"])
async def test_signing_out_has_a_page(http: httpx.AsyncClient, provider: str):
    assert "You are signed out" in (await http.get(f"/{provider}/logout")).text


@pytest.mark.parametrize(
    ("fails", "text"), [("password", "do not match"), ("second_factor", "second factor")]
)
async def test_signing_in_can_fail(
    http: httpx.AsyncClient, sandbox: SandboxControl, fails: str, text: str
):
    await sandbox.control("hubspot", "-", "sign-in", user="ada@acme.test", fails=fails)
    page = await http.get("/hubspot/oauth/authorize", params=HUBSPOT)
    form = {"step": "sign-in", "user": "ada@acme.test"}
    page = await http.post(action(page), data=form)
    assert page.status_code == 401
    assert text in page.text
    await sandbox.control("hubspot", "-", "sign-in", user="ada@acme.test", fails=None)
    assert (await http.post(action(page), data=form)).status_code == 200


async def test_a_member_without_the_right_is_told_so(http: httpx.AsyncClient):
    page = await http.get("/hubspot/oauth/authorize", params=HUBSPOT)
    form = {"step": "allow", "user": "bob@acme.test", "account": "7001"}
    page = await http.post(action(page), data=form)
    assert page.status_code == 403
    assert "Ask an admin" in page.text


async def test_nobody_connects_a_portal_that_is_not_theirs(http: httpx.AsyncClient):
    page = await http.get("/hubspot/oauth/authorize", params=HUBSPOT)
    form = {"step": "allow", "user": "gus@globex.test", "account": "7001"}
    assert (await http.post(action(page), data=form)).status_code == 403


@pytest.mark.parametrize("width", [PHONE, 1_280])
async def test_no_mail_is_wider_than_the_screen(
    sandbox: SandboxControl, sandbox_ports: tuple[int, int], browser: Browser, width: int
) -> None:
    message = EmailMessage()
    message["From"] = "TableSync <sync@example.test>"
    message["To"] = f"{'a' * 64}@{'mail.' * 20}example.test"
    message["Subject"] = "D" * 80 + " is disconnected: 2 syncs are on hold"
    message.set_content("Reconnect: https://auth.example.test/reconnect/" + "x" * 120)
    await aiosmtplib.send(message, hostname="127.0.0.1", port=sandbox_ports[1])
    (caught,) = await sandbox.messages()
    page = await browser.new_page(viewport={"width": width, "height": 800})
    for path in ("/mail", f"/mail/{caught['id']}"):
        await page.goto(sandbox.url + path)
        assert await width_of(page) <= width, path


async def test_a_portals_records_and_a_tables_rows_are_looked_at(
    http: httpx.AsyncClient, sandbox: SandboxControl
) -> None:
    portal = "/hubspot/contacts/7001"
    (deal, *_) = await sandbox.records("hubspot", "7001", object="deals")
    page = await http.get(f"{portal}/objects/0-3/views/all/list")
    assert deal["properties"]["dealname"] in unescape(page.text)
    page = await http.get(f"{portal}/record/0-3/{deal['id']}")
    assert "1 record<" in page.text.replace("\n", "<")
    assert deal["id"] in page.text

    (base, *_) = (await sandbox.bases())["bases"]
    (table, *_) = base["tables"]
    page = await http.get(f"/airtable/{base['id']}/{table['id']}")
    assert f"{base['name']} / {table['name']}" in unescape(page.text)
    for absent in (
        f"{portal}/record/0-3/1",
        f"{portal}/objects/0-9/views/all/list",
        f"/airtable/{base['id']}/tblNone",
        f"/airtable/{base['id']}/{table['id']}/recNone",
    ):
        assert (await http.get(absent)).status_code == 404, absent
