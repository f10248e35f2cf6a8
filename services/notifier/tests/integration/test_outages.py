"""P17: MongoDB goes away after the mail server took a mail, for longer than a job's lease."""

import asyncio
from email.message import EmailMessage

import pytest
from aiosmtpd.smtp import SMTP
from notifier_rig import Rig
from tablesync.contracts import ConnectionRevoked
from tablesync.test_kit import eventually, unique_prefix
from tablesync.test_kit.own_mongod import OwnMongod

pytestmark = [pytest.mark.integration, pytest.mark.needs("mongod"), pytest.mark.timeout(300)]

SHORT_LEASE = {"notifier_smtp_seconds": 3, "notifier_lease_seconds": 5}
# By then whoever knows that the mail was sent has tried for long, and would pause for long.
AWAY_SECONDS = 20


@pytest.fixture
def mongodb_uri(own_mongod: OwnMongod) -> str:
    """Have the rig use a mongod that may be killed."""
    return own_mongod.uri


@pytest.fixture
def database_prefix() -> str:
    """Share no database: this mongod has no other test's."""
    return unique_prefix("_")


async def test_p17_a_mail_that_was_taken_is_not_sent_again_once_mongodb_is_back(
    rig: Rig, own_mongod: OwnMongod
) -> None:
    away = asyncio.Event()
    loop = asyncio.get_running_loop()

    def take_and_lose_mongodb(server: SMTP, mail: EmailMessage) -> str:
        if not away.is_set():
            own_mongod.kill()
            loop.call_soon_threadsafe(away.set)
        return "250 OK"

    rig.smtp.answer = take_and_lose_mongodb
    async with rig.working(**SHORT_LEASE):
        await rig.take(rig.events.connection(ConnectionRevoked))
        await asyncio.wait_for(away.wait(), 60)
        await asyncio.sleep(AWAY_SECONDS)
        await asyncio.to_thread(own_mongod.start)
        await eventually(lambda: rig.mails.find_one({"status": "sent"}), timeout=60)

    job = await rig.job("revocation")
    assert (job["handovers"], job["confirmed"]) == (1, True)
    assert len(rig.smtp.mails) == 1
