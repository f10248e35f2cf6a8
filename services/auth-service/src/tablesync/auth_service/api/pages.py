"""The few pages that a browser sees: nothing external, nothing cached, no referrer."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from tablesync.auth_service.consent.authorizations import AuthorizationStatus
from tablesync.auth_service.consent.connect import Outcome
from tablesync.auth_service.consent.reconnect_links import ReconnectLink
from tablesync.auth_service.providers.base import OAuthProvider
from tablesync.contracts import ConnectionCause, Provider

CAUSES = {
    ConnectionCause.TOKEN_REJECTED: "{label} no longer accepts the access it gave us.",
    ConnectionCause.GRANT_REVOKED: "Our access was revoked at {label}.",
    ConnectionCause.GRANT_EXPIRED: "The access that {label} gave us has expired.",
    ConnectionCause.APP_UNINSTALLED: "The TableSync app was uninstalled at {label}.",
    ConnectionCause.SCOPE_REDUCED: "Permissions were taken away at {label}.",
    ConnectionCause.ROTATION_LOST: (
        "We were interrupted while renewing the access, and {label} does not hand it out twice."
    ),
    ConnectionCause.OPERATOR: "A member of your team disconnected it.",
}
_OUTCOMES = {
    AuthorizationStatus.COMPLETED: "connected",
    AuthorizationStatus.DENIED: "denied",
    AuthorizationStatus.REFUSED: "refused",
}


class Pages:
    """Renders pages with their security headers."""

    def __init__(self, providers: Mapping[Provider, OAuthProvider]) -> None:
        self._providers = providers
        self._templates = Environment(
            loader=PackageLoader("tablesync.auth_service.api"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters["moment"] = _moment

    def reconnect(self, link: ReconnectLink, syncs: list[dict[str, Any]] | None) -> HTMLResponse:
        """Show what a usable reconnect link is about, and its button."""
        provider = self._providers[link.connection.provider]
        return self._page(
            "reconnect.html",
            form_targets=("'self'", *provider.web_origins),
            label=provider.label,
            connection=link.connection,
            reason=_reason(provider, link.connection.cause),
            syncs=syncs,
            expires_at=link.expires_at,
        )

    def link_over(self, link: ReconnectLink | None) -> HTMLResponse:
        """Say that a link was used, has expired or never was one."""
        label = self._providers[link.connection.provider].label if link else None
        return self._page(
            "link_expired.html",
            status=410 if link else 404,
            label=label,
            connected=bool(link and link.connection.connected),
            spent=bool(link and link.spent),
        )

    def outcome(self, provider: OAuthProvider, outcome: Outcome) -> HTMLResponse:
        """Show how an attempt to connect ended."""
        return self._page(
            "outcome.html",
            label=provider.label,
            kind=outcome.finding.kind if outcome.finding else _OUTCOMES[outcome.status],
            connection=outcome.connection,
            finding=outcome.finding,
        )

    def expired(self, provider: OAuthProvider | None, status: int) -> HTMLResponse:
        """Say that an attempt is over, or was never ours."""
        label = provider.label if provider else "the service"
        return self._page(
            "outcome.html",
            status=status,
            label=label,
            kind="expired",
            connection=None,
            finding=None,
        )

    def _page(
        self,
        template: str,
        *,
        status: int = 200,
        form_targets: tuple[str, ...] = ("'none'",),
        **values: Any,
    ) -> HTMLResponse:
        nonce = secrets.token_urlsafe(16)
        content = self._templates.get_template(template).render(nonce=nonce, **values)
        return HTMLResponse(content, status, headers=_headers(nonce, form_targets))


def no_store(headers: dict[str, str] | None = None) -> dict[str, str]:
    """Return the headers of every answer that a browser gets from us."""
    return {
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        **(headers or {}),
    }


def _headers(nonce: str, form_targets: tuple[str, ...]) -> dict[str, str]:
    policy = (
        "default-src 'none'",
        f"style-src 'nonce-{nonce}'",
        f"form-action {' '.join(form_targets)}",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
    return no_store(
        {
            "Content-Security-Policy": "; ".join(policy),
            "X-Frame-Options": "DENY",
            "X-Robots-Tag": "noindex",
            "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        }
    )


def _reason(provider: OAuthProvider, cause: ConnectionCause | None) -> str | None:
    return CAUSES[cause].format(label=provider.label) if cause else None


def _moment(value: datetime | str | None) -> str:
    """Print a moment for people, in UTC since we do not know where they are."""
    if value is None:
        return "–"
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"
