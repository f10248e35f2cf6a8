"""Real services for the suites that the stand-ins have to pass as well."""

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from types import ModuleType
from typing import Any, get_type_hints

import pytest
from tablesync.local_stack.keys import ServiceKeys
from tablesync.service_kit.settings import ServiceSettings
from tablesync.test_kit import free_port, unique_prefix
from tablesync.test_kit.isolation import drop_databases, drop_topics
from tablesync.test_kit.services import serving

Serve = Callable[..., AbstractAsyncContextManager[str]]


@pytest.fixture(scope="module")
def own_databases(mongodb_uri: str) -> Iterator[dict[str, str]]:
    """Settings of a service whose databases are this module's own."""
    prefix = unique_prefix("_")
    yield {"mongodb_uri": mongodb_uri, "mongodb_database_prefix": prefix}
    drop_databases(mongodb_uri, prefix)


@pytest.fixture(scope="module")
def own_topics(kafka_bootstrap: str) -> Iterator[dict[str, str]]:
    """Settings of a service whose topics are this module's own."""
    prefix = unique_prefix("-")
    yield {"kafka_bootstrap_servers": kafka_bootstrap, "kafka_topic_prefix": prefix}
    drop_topics(kafka_bootstrap, prefix)


@pytest.fixture(scope="module")
def kafka(own_topics: dict[str, str], service_keys: ServiceKeys) -> ServiceSettings:
    """Return settings with which `messaging.send` reaches this module's topics."""
    return ServiceSettings.model_validate(
        {
            **own_topics,
            "mongodb_uri": "mongodb://127.0.0.1",
            "http_port": free_port(),
            "service_key_file": service_keys.private_key_file("auth-service"),
            "trusted_keys_file": service_keys.trusted_keys_file,
        }
    )


@pytest.fixture(scope="session")
def serve(service_keys: ServiceKeys) -> Serve:
    """Return a function that runs a service by its composition root, for a block."""

    def run(
        bootstrap: ModuleType, name: str, *roles: str, **settings: Any
    ) -> AbstractAsyncContextManager[str]:
        defaults = {
            "kafka_bootstrap_servers": f"127.0.0.1:{free_port()}",
            "http_port": free_port(),
            "service_key_file": service_keys.private_key_file(name),
            "trusted_keys_file": service_keys.trusted_keys_file,
        }
        settings_class = get_type_hints(bootstrap.build)["settings"]
        read = settings_class.model_validate(defaults | settings)
        return serving(bootstrap.build(read), *roles)

    return run
