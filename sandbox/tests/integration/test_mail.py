"""The mail catcher, by smtplib and aiosmtplib."""

import re
import smtplib
from email.message import EmailMessage

import aiosmtplib
import httpx
import pytest
from tablesync.test_kit import SandboxControl


def mail(to: str = "admin@example.test") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "TableSync <sync@example.test>"
    message["To"] = to
    message["Subject"] = "HubSpot “Acme Europe” is disconnected 🔌"
    message["Message-ID"] = "<inc_1@example.test>"
    message.set_content("Bitte verbinden: http://127.0.0.1/reconnect\n")
    message.add_alternative("<p>Bitte <a href='/r'>verbinden</a></p>", subtype="html")
    return message


def deliver(port: int, message: EmailMessage) -> None:
    with smtplib.SMTP("127.0.0.1", port) as smtp:
        smtp.send_message(message)


async def test_a_mail_is_caught_whole(sandbox: SandboxControl, sandbox_ports: tuple[int, int]):
    deliver(sandbox_ports[1], mail())
    (caught,) = await sandbox.messages()
    assert caught["message_id"] == "<inc_1@example.test>"
    assert caught["from"] == "TableSync <sync@example.test>"
    assert caught["to"] == ["admin@example.test"]
    assert caught["subject"] == "HubSpot “Acme Europe” is disconnected 🔌"
    assert caught["text"].strip() == "Bitte verbinden: http://127.0.0.1/reconnect"
    assert "<a href='/r'>" in caught["html"]
    assert caught["headers"]["Message-ID"] == "<inc_1@example.test>"


async def test_mails_are_found_by_recipient_and_cleared(
    sandbox: SandboxControl, sandbox_ports: tuple[int, int], http: httpx.AsyncClient
):
    for to in ("a@example.test", "b@example.test"):
        await aiosmtplib.send(mail(to), hostname="127.0.0.1", port=sandbox_ports[1])
    assert len(await sandbox.messages()) == 2
    assert [m["to"] for m in await sandbox.messages("B@example.test")] == [["b@example.test"]]
    await http.delete("/mail/api/messages")
    assert await sandbox.messages() == []


async def test_links_of_both_parts_open_in_a_tab_of_their_own_that_is_free(
    sandbox: SandboxControl, sandbox_ports: tuple[int, int], http: httpx.AsyncClient
):
    deliver(sandbox_ports[1], mail())
    number = (await sandbox.messages())[0]["id"]
    page, part = await http.get(f"/mail/{number}"), await http.get(f"/mail/{number}/html")
    assert part.text.startswith('<base target="_blank">')
    for flags in (page.text, part.headers["content-security-policy"]):
        assert "allow-popups allow-popups-to-escape-sandbox" in flags
    assert re.search(r'<a href="http://127\.0\.0\.1/reconnect"[^>]* target="_blank"', page.text)


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ("<!doctype html><p>x</p>", '<!doctype html><base target="_blank"><p>x</p>'),
        ("<HTML lang='en'><head><p>x", "<HTML lang='en'><head><base target=\"_blank\"><p>x"),
    ],
)
async def test_a_mails_own_opening_stays_first(
    sandbox: SandboxControl,
    sandbox_ports: tuple[int, int],
    http: httpx.AsyncClient,
    html: str,
    shown: str,
):
    message = mail()
    message.get_payload(1).set_content(html, subtype="html")
    deliver(sandbox_ports[1], message)
    number = (await sandbox.messages())[0]["id"]
    assert (await http.get(f"/mail/{number}/html")).text.strip() == shown


async def test_the_inbox_shows_mails_and_runs_nothing(
    sandbox: SandboxControl, sandbox_ports: tuple[int, int], http: httpx.AsyncClient
):
    assert "No mail yet" in (await http.get("/mail")).text
    deliver(sandbox_ports[1], mail())
    inbox = await http.get("/mail")
    assert "Acme Europe" in inbox.text
    number = (await sandbox.messages())[0]["id"]
    page = await http.get(f"/mail/{number}")
    assert "<iframe" in page.text
    assert 'sandbox="' in page.text
    frame = await http.get(f"/mail/{number}/html")
    assert frame.headers["content-security-policy"].startswith("sandbox")
    assert (await http.get("/mail/999")).status_code == 404


async def test_mail_is_refused_on_demand(sandbox: SandboxControl, sandbox_ports: tuple[int, int]):
    await sandbox.control("mail", "-", "break", status=451, count=1)
    with pytest.raises(smtplib.SMTPDataError) as error:
        deliver(sandbox_ports[1], mail())
    assert error.value.smtp_code == 451
    deliver(sandbox_ports[1], mail())
    counters = (await sandbox.counters())["mail"]
    assert counters == {"accepted": 1, "refused": 1}
