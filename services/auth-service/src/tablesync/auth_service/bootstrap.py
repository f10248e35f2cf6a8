"""auth-service's composition root."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Self

import httpx
import structlog
from fastapi import APIRouter, Request
from fastapi.responses import Response
from tablesync.auth_service import store
from tablesync.auth_service.api import (
    authorizations,
    connections,
    internal,
    invitation_page,
    oauth,
    reconnect,
    sign_in,
    webhooks,
    workspaces,
)
from tablesync.auth_service.api import people as people_api
from tablesync.auth_service.api.pages import Pages
from tablesync.auth_service.api.views import AuthorizationViews, ConnectionViews
from tablesync.auth_service.audit_trail import AuditTrail
from tablesync.auth_service.clients.scheduler import SchedulerClient
from tablesync.auth_service.connection_list import ConnectionList
from tablesync.auth_service.connections import Connections
from tablesync.auth_service.consent.askers import Askers
from tablesync.auth_service.consent.authorizations import Authorizations
from tablesync.auth_service.consent.connect import Connecting
from tablesync.auth_service.consent.leaving import Leaving
from tablesync.auth_service.consent.left_out import LeftOut
from tablesync.auth_service.consent.reconnect_links import ReconnectLinks
from tablesync.auth_service.consent.requests import ConsentRequests
from tablesync.auth_service.consent.starting_again import StartingAgain
from tablesync.auth_service.consent.starting_by_link import StartingByLink
from tablesync.auth_service.errors import UnreadableGrantError
from tablesync.auth_service.grants.access_tokens import AccessTokens
from tablesync.auth_service.grants.attempt import Attempts
from tablesync.auth_service.grants.auth_failures import AuthFailures
from tablesync.auth_service.grants.disconnect import Disconnecting
from tablesync.auth_service.grants.ending import Ending
from tablesync.auth_service.grants.grants import Grants
from tablesync.auth_service.grants.refresh import Refresher
from tablesync.auth_service.grants.renewal import Renewal
from tablesync.auth_service.grants.ticker import Ticker
from tablesync.auth_service.grants.webhook_hints import WebhookHints
from tablesync.auth_service.identity import first_workspace
from tablesync.auth_service.identity.api_tokens import ApiTokens
from tablesync.auth_service.identity.invitations import Invitations
from tablesync.auth_service.identity.limits import LimitSettings
from tablesync.auth_service.identity.members import Members
from tablesync.auth_service.identity.names import Names
from tablesync.auth_service.identity.oidc import OidcVerifier
from tablesync.auth_service.identity.own_workspaces import OwnWorkspaces
from tablesync.auth_service.identity.people import Founding, People
from tablesync.auth_service.identity.sessions import Sessions
from tablesync.auth_service.identity.sign_in import SignIn
from tablesync.auth_service.identity.standing import Standing
from tablesync.auth_service.identity.workspaces import Workspaces
from tablesync.auth_service.keyring import Keyring
from tablesync.auth_service.providers import PROVIDERS, Registry, start_all
from tablesync.auth_service.providers.base import ProviderContext
from tablesync.auth_service.providers.served import Providers
from tablesync.auth_service.settings import NAME, Settings
from tablesync.contracts.internal_api import GRANT_UNREADABLE
from tablesync.service_kit.http import problems
from tablesync.service_kit.http.client import MEGABYTE, new_client, new_transport
from tablesync.service_kit.mongo.unit_of_work import UnitsOfWork
from tablesync.service_kit.resources import Resources
from tablesync.service_kit.roles import Role
from tablesync.service_kit.service import Service, Step

log = structlog.get_logger()

# How long an answer of a provider or of the issuer may be: theirs are a few kB, but for bases,
# which come by the thousand.
ANSWER_BYTES = MEGABYTE


def build(
    settings: Settings,
    *,
    scheduler: httpx.AsyncClient | None = None,
    providers: Registry = PROVIDERS,
) -> Service:
    """Wire the service: API, relay and ticker. Call it inside an event loop."""
    resources = Resources.open(NAME, settings, database="auth")
    http = resources.kept(new_client(answer_bytes=ANSWER_BYTES))
    context = ProviderContext(
        resources.kept(new_transport(ANSWER_BYTES)),
        http,
        settings.auth_public_url,
        settings.auth_refresh_answer_seconds,
    )
    served = Providers(start_all(providers, settings, context))
    scheduler = scheduler or resources.peer(settings.scheduler_url, "scheduler")
    stores = _Stores.open(
        resources, Keyring.from_file(settings.auth_encryption_keys_file), settings
    )
    asked = SchedulerClient(scheduler)
    left_out = LeftOut(stores.connections, asked.written_bases, settings.auth_look_seconds)
    work = _Work.on_grants(resources, stores, served, settings, left_out)
    service = Service(
        resources,
        routers=[
            *_identity(resources, stores, _oidc(settings, http), settings),
            *_consent(resources, stores, work, asked, settings),
            *_internal(resources, stores, work, settings),
        ],
        publishes=True,
        roles=[Role("ticker", Ticker(stores.grants, work.refresher).run)],
        indexes=store.INDEXES,
        expiries=store.expiries(settings.auth_keep_attempts_days),
        prepare=[partial(_apply_bootstrap_file, settings, resources.units)],
        # What is under way at a provider ends first: its tokens would be lost.
        drains=work.drains,
    )
    service.app.add_exception_handler(UnreadableGrantError, _on_unreadable_grant)
    return service


@dataclass(frozen=True)
class _Stores:
    """What is stored, by collection."""

    workspaces: Workspaces
    members: Members
    invitations: Invitations
    api_tokens: ApiTokens
    connections: Connections
    grants: Grants
    authorizations: Authorizations
    askers: Askers
    links: ReconnectLinks

    @classmethod
    def open(cls, resources: Resources, keyring: Keyring, limits: LimitSettings) -> Self:
        database = resources.database
        members, stored = Members(database), Connections(database)
        askers = Askers(members)
        return cls(
            workspaces=Workspaces(database),
            members=members,
            invitations=Invitations(database, members, limits),
            api_tokens=ApiTokens(database, members, limits),
            connections=stored,
            grants=Grants(database, keyring),
            authorizations=Authorizations(database, keyring),
            askers=askers,
            links=ReconnectLinks(database, stored, askers),
        )


@dataclass(frozen=True)
class _Work:
    """What goes on beyond a request, so that a stop waits for it."""

    providers: Providers
    refresher: Refresher
    access_tokens: AccessTokens
    auth_failures: AuthFailures
    disconnecting: Disconnecting
    connecting: Connecting
    hints: WebhookHints

    @classmethod
    def on_grants(
        cls,
        resources: Resources,
        stores: _Stores,
        providers: Providers,
        settings: Settings,
        left_out: LeftOut,
    ) -> Self:
        units, stored, grants = resources.units, stores.connections, stores.grants
        renewal, ending = Renewal(units, stored, grants), Ending(units, stored, grants)
        attempts = Attempts(grants, renewal, ending, settings.beat_seconds)
        refresher = Refresher(
            stored, grants, attempts, ending, resources.leases, providers, settings=settings
        )
        auth_failures = AuthFailures(stored, grants, refresher)
        return cls(
            providers=providers,
            refresher=refresher,
            access_tokens=AccessTokens(stored, grants, refresher),
            auth_failures=auth_failures,
            hints=WebhookHints(stored, grants, auth_failures),
            disconnecting=Disconnecting(units, stored, grants, providers),
            connecting=Connecting(
                units,
                stored,
                grants,
                stores.authorizations,
                stores.links,
                left_out,
                askers=stores.askers,
            ),
        )

    @property
    def drains(self) -> Sequence[Step]:
        """What a stop waits for."""
        work = (self.hints, self.refresher, self.connecting, self.disconnecting)
        return [each.drain for each in work]


def _identity(
    resources: Resources, stores: _Stores, oidc: OidcVerifier | None, settings: Settings
) -> Sequence[APIRouter]:
    units, standing = resources.units, Standing(resources.verifier, stores.members)
    members, asked, api_tokens = stores.members, stores.invitations, stores.api_tokens
    people = People(resources.signer, resources.verifier, members)
    own = OwnWorkspaces(stores.workspaces, members)
    sessions = Sessions(resources.database)
    signing_in = SignIn(resources.signer, api_tokens, own, people, sessions, oidc)
    leaving = Leaving(members, asked, api_tokens, stores.authorizations, stores.links)
    return [
        sign_in.routes(units, signing_in, api_tokens, standing),
        sign_in.session_routes(units, signing_in, sessions, people),
        workspaces.routes(stores.workspaces, standing),
        workspaces.audit_routes(AuditTrail(resources.database), Names(members), standing),
        workspaces.member_routes(units, members, asked, leaving, standing),
        workspaces.invitation_routes(units, asked, standing),
        people_api.workspace_routes(
            units, people, own, Founding(stores.workspaces, members, settings)
        ),
        people_api.invitation_routes(units, people, asked, stores.workspaces, members),
        invitation_page.routes(
            units, asked, stores.workspaces, members, Pages(), settings.auth_public_url
        ),
    ]


def _consent(
    resources: Resources,
    stores: _Stores,
    work: _Work,
    scheduler: SchedulerClient,
    settings: Settings,
) -> Sequence[APIRouter]:
    units, standing = resources.units, Standing(resources.verifier, stores.members)
    stored, attempts, links = stores.connections, stores.authorizations, stores.links
    url, providers, pages = settings.auth_public_url, work.providers, Pages()
    requests = ConsentRequests(stores.workspaces, stores.askers, stored)
    names = Names(stores.members)
    shown = ConnectionViews(providers, names)
    return [
        connections.list_routes(ConnectionList(units.database), shown, standing),
        connections.routes(units, stored, shown, work.disconnecting, standing),
        connections.history_routes(stored, AuditTrail(units.database), names, standing),
        connections.provider_routes(providers, standing),
        authorizations.routes(
            units,
            stored,
            attempts,
            AuthorizationViews(url, names),
            providers,
            standing,
            return_origins=settings.return_origins,
        ),
        oauth.start_routes(
            attempts,
            requests,
            work.connecting,
            StartingAgain(units, stored, attempts, stores.askers),
            providers,
            pages,
        ),
        oauth.callback_routes(attempts, requests, work.connecting, providers, pages),
        webhooks.routes(providers, work.hints),
        reconnect.routes(
            links,
            StartingByLink(units, links, attempts),
            requests,
            providers,
            url,
            scheduler=scheduler,
            pages=pages,
        ),
    ]


def _internal(
    resources: Resources, stores: _Stores, work: _Work, settings: Settings
) -> Sequence[APIRouter]:
    verifier, stored = resources.verifier, stores.connections
    return [
        internal.token_routes(work.access_tokens, work.auth_failures, verifier),
        internal.state_routes(stored, verifier),
        internal.link_routes(resources.units, stores.links, settings.auth_public_url, verifier),
        internal.invitation_routes(
            resources.units,
            stores.invitations,
            stores.workspaces,
            stores.members,
            settings.auth_public_url,
            verifier,
        ),
        internal.recipient_routes(stored, stores.workspaces, stores.members, verifier),
    ]


def _oidc(settings: Settings, http: httpx.AsyncClient) -> OidcVerifier | None:
    issuer = settings.auth_oidc_issuer_url
    return OidcVerifier(issuer, settings.auth_oidc_client_id, http) if issuer else None


async def _apply_bootstrap_file(settings: Settings, units: UnitsOfWork) -> None:
    if settings.auth_bootstrap_file is not None:
        await first_workspace.apply(units, first_workspace.read(settings.auth_bootstrap_file))


async def _on_unreadable_grant(request: Request, error: Exception) -> Response:
    """Alarm us: a row was moved or a key is missing; neither is a revocation."""
    connection_id = request.path_params.get("connection_id")
    log.error("grant unreadable", connection_id=connection_id, reason=str(error))
    detail = "The stored grant cannot be read; this is our fault, and nothing was given up."
    return problems.answer(request, problems.Problem(500, GRANT_UNREADABLE, detail))
