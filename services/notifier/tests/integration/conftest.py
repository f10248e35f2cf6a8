"""A notifier among real Kafka, MongoDB and SMTP; its two peers are the shared stand-ins."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from mail_catcher import MailCatcher
from notifier_rig import Rig
from tablesync.local_stack.keys import ServiceKeys
from tablesync.notifier.settings import Settings
from tablesync.test_kit import free_port
from tablesync.test_kit.isolation import empty_databases
from tablesync.test_kit.stand_ins import AuthServiceStandIn, SchedulerStandIn


@pytest.fixture
def database_prefix(mongodb_uri: str, shared_prefix: str) -> str:
    """Return what a test's databases open with, which are empty."""
    empty_databases(mongodb_uri, shared_prefix)
    return shared_prefix


@pytest_asyncio.fixture
async def rig(stores: dict[str, str], service_keys: ServiceKeys) -> AsyncIterator[Rig]:
    """Yield a rig whose notifier is not running yet."""
    smtp, trusted = MailCatcher(), service_keys.trusted_keys_file
    async with AuthServiceStandIn(trusted) as auth, SchedulerStandIn(trusted) as scheduler:
        smtp.start()
        settings = Settings.model_validate(
            {
                **stores,
                "http_port": free_port(),
                "service_key_file": service_keys.private_key_file("notifier"),
                "trusted_keys_file": trusted,
                "auth_service_url": auth.url,
                "scheduler_url": scheduler.url,
                "notifier_smtp_host": "127.0.0.1",
                "notifier_smtp_port": smtp.port,
                "notifier_smtp_seconds": 20,
                "notifier_lease_seconds": 30,
                "notifier_mail_from": "TableSync <tablesync@example.test>",
                "notifier_public_url": "https://notifier.example",
                "notifier_digest_window_seconds": 1,
                "notifier_sync_list_wait_seconds": 2,
                "notifier_link_wait_seconds": 3,
            }
        )
        rig = Rig(settings, auth, scheduler, smtp, service_keys)
        yield rig
        await rig.close()
        smtp.stop()
