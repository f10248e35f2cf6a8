"""The few pages that a browser sees: nothing external, nothing cached, no referrer."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from tablesync.auth_service.api.views import standing
from tablesync.auth_service.connections import Connection
from tablesync.auth_service.consent.connect import Outcome
from tablesync.auth_service.consent.reconnect_links import ReconnectLink
from tablesync.auth_service.consent.requests import ConsentRequest
from tablesync.auth_service.consent.returning import origin_of
from tablesync.auth_service.identity.invitation import Invitation, InvitationStatus
from tablesync.auth_service.identity.members import Operator
from tablesync.auth_service.identity.workspaces import Workspace
from tablesync.auth_service.providers.base import OAuthProvider
from tablesync.contracts import Provider
from tablesync.contracts.internal_api import AffectedSyncs
from tablesync.contracts.permissions import extra_scopes, in_words
from tablesync.contracts.public_api.connections import AuthorizationStatus
from tablesync.contracts.wording import PROVIDER_LABELS, isolated, loss, moment, one_line
from tablesync.service_kit.http.openapi import declares
from tablesync.service_kit.http.problems import RaisedAnswer

_OUTCOMES = {
    AuthorizationStatus.PENDING: "pending",
    AuthorizationStatus.DENIED: "denied",
    AuthorizationStatus.CANCELLED: "cancelled",
    AuthorizationStatus.REFUSED: "refused",
}


@dataclass(frozen=True)
class Again:
    """What a page needs to offer to begin an attempt anew."""

    authorization_id: str
    form_token: str


class Pages:
    """Renders pages with their security headers."""

    def __init__(self) -> None:
        self._templates = Environment(
            loader=PackageLoader("tablesync.auth_service.api"),
            autoescape=True,
            finalize=_in_place,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(moment=moment, standing=standing, in_words=in_words)

    def consent(
        self,
        provider: OAuthProvider,
        asked: ConsentRequest,
        form_token: str,
        *,
        blocked: bool = False,
    ) -> HTMLResponse:
        """Show who asks for what, and the button that leads to the provider, and on from there.

        `blocked` says that a popup was, so that all goes on in the tab where it was asked for.
        """
        return self._before_leaving(
            "consent.html",
            provider,
            targets=[origin_of(asked.return_to)] if asked.return_to else [],
            extras=asked.extras,
            host=asked.host,
            workspace=asked.workspace,
            asker=asked.asker,
            connection=asked.connection,
            form_token=form_token,
            blocked=blocked,
        )

    def reconnect(
        self,
        provider: OAuthProvider,
        link: ReconnectLink,
        workspace: Workspace,
        syncs: AffectedSyncs | None,
        form_token: str,
    ) -> HTMLResponse:
        """Show what a usable reconnect link is about, and its button."""
        connection = link.connection
        return self._before_leaving(
            "reconnect.html",
            provider,
            extras=connection.extras,
            host=connection.host,
            workspace=workspace,
            connection=connection,
            form_token=form_token,
            reason=loss(connection.cause, connection.provider),
            syncs=syncs,
            expires_at=link.expires_at,
        )

    def link_over(self, link: ReconnectLink | None) -> HTMLResponse:
        """Say that a link was used, has expired or never was one."""
        return self._page(
            "link_expired.html",
            status=410 if link else 404,
            label=PROVIDER_LABELS[link.connection.provider] if link else None,
            connected=bool(link and link.connection.connected),
            spent=bool(link and link.spent),
        )

    def outcome(
        self, provider: OAuthProvider, outcome: Outcome, workspace: Workspace, again: Again
    ) -> HTMLResponse:
        """Show how an attempt to connect ended, and how its connection is now."""
        if outcome.status is AuthorizationStatus.COMPLETED:
            return self._completed(provider, outcome, workspace, again)
        finding = outcome.finding
        return self._page(
            "outcome.html",
            form_targets=("'self'",),
            label=PROVIDER_LABELS[provider.name],
            hint=provider.hints.reconnect if outcome.connection else provider.hints.connect,
            kind=finding.kind if finding else _OUTCOMES[outcome.status],
            connection=outcome.connection,
            finding=finding,
            again=None if outcome.status is AuthorizationStatus.PENDING else again,
        )

    def _completed(
        self, provider: OAuthProvider, outcome: Outcome, workspace: Workspace, again: Again
    ) -> HTMLResponse:
        """Show a connection as it is now, and what this attempt did to it if nothing has since."""
        connection, completion = outcome.connection, outcome.completion
        is_lost = connection is None or not connection.connected
        holds_still = outcome.holds_still
        lacks_bases = outcome.finding if holds_still else None
        lacks = lacks_bases or (connection and connection.missing_scopes)
        return self._page(
            "connected.html" if not is_lost else "disconnected_since.html",
            form_targets=("'self'",),
            label=PROVIDER_LABELS[provider.name],
            left_out="" if completion and completion.reaches_bases else provider.hints.left_out,
            connection=connection,
            completion=completion if holds_still else None,
            finding=lacks_bases,
            workspace=workspace,
            again=again if lacks or is_lost else None,
        )

    def too_late(
        self, provider: OAuthProvider, connection: Connection | None, status: int, again: Again
    ) -> HTMLResponse:
        """Say that an attempt of this browser has ended by itself, and offer another."""
        return self._page(
            "outcome.html",
            status=status,
            form_targets=("'self'",),
            label=PROVIDER_LABELS[provider.name],
            kind="too_late",
            connection=connection,
            again=again,
        )

    def elsewhere(self, provider: OAuthProvider, again: Again) -> HTMLResponse:
        """Say that an attempt goes on in another tab of this browser, and offer to go on here."""
        return self._page(
            "outcome.html",
            form_targets=("'self'",),
            label=PROVIDER_LABELS[provider.name],
            kind="elsewhere",
            again=again,
        )

    def expired(self, provider: OAuthProvider | None, status: int) -> HTMLResponse:
        """Say that nothing can be told here: an attempt is over, another browser's, or unknown."""
        label = PROVIDER_LABELS[provider.name] if provider else "the service"
        return self._page("outcome.html", status=status, label=label, kind="expired")

    def invitation(
        self,
        invitation: Invitation,
        workspace: Workspace,
        inviter: Operator | None,
        *,
        is_open: bool,
        is_member: bool,
        form_token: str,
    ) -> HTMLResponse:
        """Show an invitation as it stands now, with its buttons while it can be answered."""
        kind: str = "declined" if invitation.declined else invitation.status
        if invitation.status is InvitationStatus.PENDING:
            kind = "open" if is_open else "expired"
        elif invitation.status is InvitationStatus.ACCEPTED and not is_member:
            kind = "left"
        return self._page(
            "invitation.html",
            status=200 if kind in ("open", "declined", InvitationStatus.ACCEPTED) else 410,
            form_targets=("'self'",),
            kind=kind,
            invitation=invitation,
            role=invitation.role.name.lower(),
            workspace=workspace,
            inviter=inviter,
            form_token=form_token,
        )

    def unknown_invitation(self) -> HTMLResponse:
        """Say that a link leads to no invitation that there is."""
        return self._page("invitation.html", status=404, kind="unknown")

    def taken(self, provider: OAuthProvider) -> HTMLResponse:
        """Say that an attempt began in another browser, and goes on there alone."""
        label = PROVIDER_LABELS[provider.name]
        return self._page("outcome.html", status=409, label=label, kind="taken")

    def not_pressed_here(self, page: str = "") -> HTMLResponse:
        """Say that nobody pressed the button of our page, or that its cookie did not come.

        `page` is where that page is, as seen from where its form was sent.
        """
        return self._page("not_pressed_here.html", status=403, page=page)

    def not_served(self, provider: Provider) -> HTMLResponse:
        """Say that this service cannot connect a provider, though it has connections to it."""
        label = PROVIDER_LABELS[provider]
        return self._page("outcome.html", status=503, label=label, kind="not_served")

    def _before_leaving(
        self,
        template: str,
        provider: OAuthProvider,
        *,
        host: str | None,
        connection: Connection | None,
        extras: Sequence[str],
        targets: Sequence[str] = (),
        **values: Any,
    ) -> HTMLResponse:
        """Show a page whose button leads to the provider: browsers follow a policy that far.

        So they do to the `targets`, where a provider sends them back without any page of its own.
        """
        hints = provider.hints
        return self._page(
            template,
            form_targets=("'self'", *provider.at(host).web_origins, *targets),
            label=PROVIDER_LABELS[provider.name],
            host=host,
            asks=hints.asks,
            beside=in_words(provider.name, extra_scopes(provider.name, extras)),
            hint=hints.reconnect if connection else hints.connect,
            connection=connection,
            **values,
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


def _in_place(value: object) -> object:
    """Return a text that turns nothing around it; markup, as of a block, is made of such parts."""
    return isolated(one_line(value)) if type(value) is str else value


class ShownInstead(RaisedAnswer):
    """A page that is shown instead of what was asked for."""

    def __init__(self, page: Response) -> None:
        super().__init__(page.status_code, "shown instead")
        self._page = page

    def response(self, help_url: str = "") -> Response:
        """Return the page."""
        return self._page


def shows(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that shows a page with these statuses."""
    content: dict[str, Any] = {"text/html": {"schema": {"type": "string"}}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in statuses
    }


def shows_or_declares(status: int) -> dict[int | str, dict[str, Any]]:
    """Return the `responses` of a route that has a page or a problem for this status."""
    (page,), (problem,) = shows(status).values(), declares(status).values()
    return {status: {**problem, "content": problem["content"] | page["content"]}}


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
