"""What mails look like: headers, both parts, and what outsiders' names can do to them: nothing."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from html.parser import HTMLParser
from typing import Any

import pytest
from tablesync.contracts import Gap, RunCounts, RunStatus
from tablesync.contracts.internal_api import AffectedSync, ReconnectLinkAnswer
from tablesync.contracts.public_api.incidents import MailKind
from tablesync.notifier.catch_ups import Recovered
from tablesync.notifier.mail.plan import Addressee
from tablesync.notifier.mail.sync_failure import Healed, Line
from tablesync.notifier.mail.wording import failure, plain

pytestmark = pytest.mark.unit
NOW = datetime(2026, 11, 22, 19, 30, tzinfo=UTC)
LINK = ReconnectLinkAnswer(url="https://tablesync.example/reconnect/abc", expires_at=NOW)
EVIL = "<script>alert(1)</script>\"'&"
Build = Callable[..., EmailMessage]


def revocation(**changes: Any) -> dict[str, Any]:
    facts = {
        "provider": "HubSpot",
        "account": "Acme",
        "account_email": "ada@acme.test",
        "reminder": False,
        "lost_at": NOW,
        "down_for": "3 days",
        "help_page": "https://tablesync.test/help/causes/app-uninstalled",
        "page": "https://tablesync.test/w/ws_1/connections/con_1",
        "loss": "The TableSync app was uninstalled at HubSpot.",
        "syncs": [],
        "connection_id": "con_1",
        "put_on_hold": "the syncs that use it",
        "link": LINK,
    }
    return {**facts, **changes}


def synced(name: str, **changes: Any) -> AffectedSync:
    fields = {
        "sync_id": "syn_1",
        "name": name,
        "object": "x",
        "status": "held",
        "next_slot_at": NOW,
    }
    return AffectedSync.model_validate({**fields, "next_slot_at": NOW, **changes})


def addressee(email: str, name: str) -> Addressee:
    return Addressee(operator_id="op", email=email, name=name)


def parts(mail: EmailMessage) -> tuple[str, str]:
    """Read a mail as its recipient does: from its bytes."""
    read = message_from_bytes(mail.as_bytes(), policy=policy.default)
    text, html = read.get_body(("plain",)), read.get_body(("html",))
    assert text
    assert html
    return text.get_content(), html.get_content()


class Balanced(HTMLParser):
    """Fails on a tag that is closed out of order."""

    VOID = frozenset({"meta", "br", "img", "hr", "link"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def recovered(name: str, status: RunStatus = RunStatus.SUCCEEDED) -> Recovered:
    gap = Gap.model_validate({"from": NOW, "to": NOW, "slots_missed": 1})
    return Recovered(name, status, RunCounts(written=1200, unchanged=3, rejected=1), gap)


LETTERS: list[tuple[str, MailKind, dict[str, Any]]] = [
    ("revocation", MailKind.REVOCATION, revocation(syncs=[synced(EVIL)], account=EVIL)),
    ("revocation", MailKind.REMINDER, revocation(syncs=None, link=None, reminder=True)),
    (
        "recovery",
        MailKind.RECOVERY,
        {
            "provider": "HubSpot",
            "account": EVIL,
            "page": None,
            "back_at": NOW,
            "syncs": [recovered(EVIL), recovered("x", RunStatus.RUNNING)],
            "written": 1200,
            "complete": False,
            "stopped": True,
            "at_work": True,
        },
    ),
    (
        "failure",
        MailKind.FAILURE,
        {
            "lines": [Line(EVIL, failure("mapping"), EVIL, "now", help_page=None, page=None)],
            "total": 2,
            "happened": "failed",
        },
    ),
    ("sync_recovery", MailKind.RECOVERY, {"syncs": [Healed(EVIL, None)], "total": 2}),
]


@pytest.mark.parametrize(("template", "kind", "facts"), LETTERS)
def test_names_from_outside_are_escaped_in_html_and_plain_in_text(
    build: Build, template: str, kind: MailKind, facts: dict[str, Any]
) -> None:
    text, html = parts(build(template, f"About {EVIL}", facts, kind))
    assert "<script>" not in html
    assert "&amp;lt;" not in html
    assert "&lt;" not in text
    reader = Balanced()
    reader.feed(html)
    assert reader.open == []
    assert "unsubscribe/" in text
    assert "unsubscribe/" in html


def test_a_name_that_is_read_from_the_right_turns_nothing_around_it(build: Build) -> None:
    facts = revocation(syncs=[synced("אנשי קשר\u202e (1)")], account="العملاء\u2067")
    text, html = parts(build("revocation", "s", facts))
    assert "\u2068אנשי קשר (1)\u2069 (" in text
    assert "\u2068العملاء\u2069" in text
    assert "<bdi>אנשי קשר (1)</bdi>" in html
    assert not {"\u202e", "\u2067"} & set(text + html)


def test_the_link_is_a_button_and_a_line_of_its_own(build: Build) -> None:
    text, html = parts(build("revocation", "s", revocation()))
    assert LINK.url in text.splitlines()
    assert f'<a class="button" href="{LINK.url}"' in html
    assert ">Reconnect HubSpot</a>" in html


@pytest.mark.parametrize("count", [1, 10, 11, 10_000])
def test_long_lists_are_cut(build: Build, count: int) -> None:
    syncs = [synced(f"Nightly {n}") for n in range(count)]
    cut = [f"and {count - 10} more"] if count > 10 else []
    for part in parts(build("revocation", "s", revocation(syncs=syncs))):
        assert part.count("Nightly ") == min(count, 10)
        assert re.findall(r"and \d+ more", part) == cut


def test_headers_name_the_incident_and_unsubscribe_in_one_click(build: Build) -> None:
    mail = build("revocation", "HubSpot “Ακμή” is\r\nBcc: x@y.test", revocation())
    assert mail["X-TableSync-Kind"] == "revocation"
    assert mail["X-TableSync-Incident"] == "inc_1"
    assert mail["Message-ID"].startswith("<inc_1.revocation.")
    assert mail["Message-ID"].endswith("@tablesync.example>")
    assert mail["List-Unsubscribe"].startswith("<https://tablesync.example/unsubscribe/")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["Bcc"] is None
    assert all(len(line) <= 998 for line in mail.as_bytes().splitlines())


def test_the_message_id_depends_on_incident_kind_and_recipient_alone(build: Build) -> None:
    first = build("revocation", "one", revocation())
    again = build("revocation", "two", revocation(link=None))
    reminder = build("revocation", "one", revocation(), MailKind.REMINDER)
    other = build("revocation", "one", revocation(), to=addressee("bob@acme.test", "Bob"))
    assert first["Message-ID"] == again["Message-ID"]
    assert len({each["Message-ID"] for each in (first, reminder, other)}) == 3


def written(mail: EmailMessage, header: str) -> str:
    """Read a header as its bytes say it, by a decoder that did not write them."""
    found = re.search(
        rf"^{header}: (.*?)\r\n(?![ \t])", mail.as_bytes().decode("ascii"), re.S | re.M
    )
    assert found
    assert all(len(line) <= 78 for line in found[1].split("\r\n"))
    return str(make_header(decode_header(re.sub(r"\r\n(?=[ \t])", "", found[1]))))


@pytest.mark.parametrize(
    "words",
    [
        "Ευρώπη Ελλάδα",
        "HubSpot “Acme Ευρώπη” is disconnected – 3 syncs are on hold",
        "Sync “連絡先 → Contacts” failed: “取引先 会社” was not found",
        "a " * 30 + "é é " * 9 + "z",
        "e\u0301 " * 20 + "👩\u200d👩\u200d👧 ok",
        "plain words, and no more",
    ],
)
def test_subjects_and_names_of_several_words_arrive_as_they_are(build: Build, words: str) -> None:
    mail = build("revocation", words, revocation(), to=addressee("ada@acme.test", words))
    assert written(mail, "Subject") == words
    assert mail["Subject"] == words
    name = written(mail, "To").rpartition(" <")[0]
    assert name.strip('"') == plain(words)


@pytest.mark.parametrize("name", ["", "Ada, Countess", "Ζωή", 'x" <evil@y.test>', "a\r\nb"])
def test_a_recipients_name_cannot_add_recipients(build: Build, name: str) -> None:
    mail = build("revocation", "s", revocation(), to=addressee("ada@acme.test", name))
    read = message_from_bytes(mail.as_bytes(), policy=policy.default)
    assert [each.addr_spec for each in read["To"].addresses] == ["ada@acme.test"]


def test_an_address_beyond_ascii_is_kept(build: Build) -> None:
    mail = build("revocation", "s", revocation(), to=addressee("ζωή@ακμή.test", "Ζωή"))
    assert "ζωή@ακμή.test".encode() in mail.as_bytes()
