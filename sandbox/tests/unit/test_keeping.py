"""What the sandbox keeps from one process to the next."""

from pathlib import Path

import pytest
from tablesync.sandbox import keeping
from tablesync.sandbox.keeping import CannotReadKeptError
from tablesync.sandbox.settings import Settings
from tablesync.sandbox.world import World
from tablesync.test_kit import eventually


def a_world() -> World:
    return World(Settings(contacts=3, companies=0, deals=0))


def test_both_ends_grants_and_mails_are_kept(tmp_path: Path) -> None:
    file, before = tmp_path / "sandbox" / "state", a_world()
    grant = before.hubspot.grants.open("7001", "ada@acme.test", "app", ["crm.objects.read"])
    before.hubspot.grants.issue(grant, "refresh", "token-1")
    (base_id, base), *_ = before.airtable.bases.items()
    base.permissions["ada@acme.test"] = "read"
    before.mailbox.deliver(["ada@acme.test"], b"Subject: Lost\n\nHubSpot is disconnected.")
    keeping.keep(before, file)

    after = a_world()
    keeping.recall(after, file)
    token = after.hubspot.grants.find("token-1")
    assert token
    assert (token.usable, token.grant.account) == (True, "7001")
    assert after.airtable.bases[base_id].permissions["ada@acme.test"] == "read"
    (mail,) = after.mailbox.find("ada@acme.test")
    assert mail.shown()["subject"] == "Lost"
    assert after.mailbox.deliver(["bob@acme.test"], b"").id == "2"
    assert after.hubspot.grants.open("7001", "bob@acme.test", "app", []).id != grant.id


def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    file = tmp_path / "state"
    keeping.keep(a_world(), file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_what_another_version_has_kept_is_refused_and_left(tmp_path: Path) -> None:
    file = tmp_path / "state"
    keeping.keep(a_world(), file)
    of_another = b"0" + file.read_bytes()
    file.write_bytes(of_another)
    with pytest.raises(CannotReadKeptError, match="FRESH=1"):
        keeping.recall(a_world(), file)
    assert file.read_bytes() == of_another


def test_half_a_file_is_refused_with_the_remedy(tmp_path: Path) -> None:
    file = tmp_path / "state"
    keeping.keep(a_world(), file)
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(CannotReadKeptError, match="FRESH=1"):
        keeping.recall(a_world(), file)


async def test_what_cannot_be_written_is_said_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(keeping, "KEEP_SECONDS", 0.01)
    file, in_the_way = tmp_path / "state", tmp_path / "state.partial"
    in_the_way.mkdir()
    async with keeping.keeping(a_world(), file):
        await eventually(lambda: "cannot be kept" in capsys.readouterr().err)
        in_the_way.rmdir()
        await eventually(file.exists)


def test_a_first_start_has_nothing_to_go_on_from(tmp_path: Path) -> None:
    keeping.recall(a_world(), tmp_path / "state")


async def test_a_killed_process_has_lost_moments_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "KEEP_SECONDS", 0.01)
    file, world = tmp_path / "state", a_world()
    async with keeping.keeping(world, file):
        world.mailbox.deliver(["ada@acme.test"], b"Subject: Lost\n\n.")
        await eventually(lambda: mails_kept(file))


def mails_kept(file: Path) -> int:
    world = a_world()
    keeping.recall(world, file)
    return len(world.mailbox.find())
