"""The environment in which each service of the stack runs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tablesync.local_stack.keys import DASHBOARD, SERVICES, ServiceKeys

# The applications that the sandbox has registered; they open nothing anywhere else.
HUBSPOT_APP = ("sandbox-hubspot", "sandbox-hubspot-secret")
AIRTABLE_APP = ("sandbox-airtable", "sandbox-airtable-secret")

Environment = dict[str, str]


def module_of(service: str) -> str:
    """Return the module that `python -m` runs for a service."""
    return f"tablesync.{service.replace('-', '_')}"


@dataclass(frozen=True)
class Surroundings:
    """All addresses that a service may need; `urls` is by program name."""

    kafka: str
    mongodb: str
    topic_prefix: str
    database_prefix: str
    embedded_broker: bool
    urls: Mapping[str, str]
    sandbox: str | None
    smtp_port: int | None
    keys: ServiceKeys

    def environment(self, service: str, port: int) -> Environment:
        """Return the settings of one process of a service that listens on `port`."""
        own: Mapping[str, Callable[[], Environment]] = {
            "auth-service": self._auth_service,
            "scheduler": dict,
            "sync-runner": self._provider_apis,
            "notifier": self._notifier,
        }
        if service == DASHBOARD:
            return self._common(port) | self._dashboard(port)
        return self._common(port) | self._stored(service) | own[service]()

    def _common(self, port: int) -> Environment:
        return {
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka,
            "KAFKA_TOPIC_PREFIX": self.topic_prefix,
            "KAFKA_AUTO_CREATED_TOPICS": str(self.embedded_broker).lower(),
            "HTTP_HOST": "127.0.0.1",
            "HTTP_PORT": str(port),
            "PYTHONUNBUFFERED": "1",
            **({"KAFKA_FETCH_MAX_WAIT_MS": "20"} if self.embedded_broker else {}),
            **{_url_setting(each): self.urls[each] for each in SERVICES if each in self.urls},
        }

    def _stored(self, service: str) -> Environment:
        dashboard = self.urls.get(DASHBOARD)
        return {
            **({"HELP_URL": f"{dashboard}/help"} if dashboard else {}),
            "MONGODB_URI": self.mongodb,
            "MONGODB_DATABASE_PREFIX": self.database_prefix,
            "SERVICE_KEY_FILE": str(self.keys.private_key_file(service)),
            "TRUSTED_KEYS_FILE": str(self.keys.trusted_keys_file),
        }

    def _dashboard(self, port: int) -> Environment:
        return {
            "DASHBOARD_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "DASHBOARD_SIGNING_KEY_FILE": str(self.keys.signing_key_file),
            "AUTH_PUBLIC_URL": self.urls["auth-service"],
            **({"SANDBOX_URL": self.sandbox} if self.sandbox else {}),
            **self._issuer(),
        }

    def _issuer(self) -> Environment:
        return {"AUTH_OIDC_ISSUER_URL": f"{self.sandbox}/oidc"} if self.sandbox else {}

    def _auth_service(self) -> Environment:
        dashboard = self.urls.get(DASHBOARD)
        return {
            **({"AUTH_RETURN_ORIGINS": dashboard} if dashboard else {}),
            "AUTH_PUBLIC_URL": self.urls["auth-service"],
            "AUTH_ENCRYPTION_KEYS_FILE": str(self.keys.encryption_keys_file),
            "AUTH_BOOTSTRAP_FILE": str(self.keys.bootstrap_file),
            **self._provider_apis(),
            **self._provider_apps(),
            **self._issuer(),
        }

    def _provider_apis(self) -> Environment:
        if self.sandbox is None:
            return {}
        return {
            "HUBSPOT_API_URL": f"{self.sandbox}/hubspot",
            "HUBSPOT_APP_URL": f"{self.sandbox}/hubspot",
            "AIRTABLE_WEB_URL": f"{self.sandbox}/airtable",
            "AIRTABLE_API_URL": f"{self.sandbox}/airtable",
        }

    def _provider_apps(self) -> Environment:
        if self.sandbox is None:
            return {}
        return {
            "AUTH_HUBSPOT_CLIENT_ID": HUBSPOT_APP[0],
            "AUTH_HUBSPOT_CLIENT_SECRET": HUBSPOT_APP[1],
            "AUTH_AIRTABLE_CLIENT_ID": AIRTABLE_APP[0],
            "AUTH_AIRTABLE_CLIENT_SECRET": AIRTABLE_APP[1],
        }

    def _notifier(self) -> Environment:
        dashboard = self.urls.get(DASHBOARD)
        mail = {
            "NOTIFIER_PUBLIC_URL": self.urls["notifier"],
            **({"NOTIFIER_DASHBOARD_URL": dashboard} if dashboard else {}),
        }
        if self.smtp_port is None:
            return mail
        return mail | {
            "NOTIFIER_SMTP_HOST": "127.0.0.1",
            "NOTIFIER_SMTP_PORT": str(self.smtp_port),
            "NOTIFIER_SMTP_TLS": "none",
            "NOTIFIER_MAIL_FROM": "tablesync@example.test",
        }


def _url_setting(service: str) -> str:
    return f"{service.upper().replace('-', '_')}_URL"
