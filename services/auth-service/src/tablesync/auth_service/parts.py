"""The parts of auth-service, wired once."""

from dataclasses import dataclass

import httpx
from tablesync.auth_service.api.pages import Pages
from tablesync.auth_service.clients.scheduler import AffectedSyncs
from tablesync.auth_service.connections import Connections
from tablesync.auth_service.consent.authorizations import Authorizations
from tablesync.auth_service.consent.connect import Connecting
from tablesync.auth_service.consent.reconnect_links import ReconnectLinks
from tablesync.auth_service.grants.access_tokens import AccessTokens
from tablesync.auth_service.grants.auth_failures import AuthFailures
from tablesync.auth_service.grants.disconnect import Disconnecting
from tablesync.auth_service.grants.ending import Ending
from tablesync.auth_service.grants.grants import Grants
from tablesync.auth_service.grants.refresh import Refresher
from tablesync.auth_service.grants.renewal import Renewal
from tablesync.auth_service.grants.ticker import Ticker
from tablesync.auth_service.identity.api_tokens import ApiTokens
from tablesync.auth_service.identity.oidc import OidcVerifier
from tablesync.auth_service.identity.sign_in import SignIn
from tablesync.auth_service.identity.workspaces import Workspaces
from tablesync.auth_service.keyring import Keyring
from tablesync.auth_service.providers.base import OAuthProvider
from tablesync.auth_service.settings import Settings
from tablesync.contracts import Provider
from tablesync.service_kit.http.service_auth import Verifier
from tablesync.service_kit.mongo.unit_of_work import UnitsOfWork
from tablesync.service_kit.resources import Resources


@dataclass(frozen=True)
class Parts:
    """Everything that routes and roles are made of."""

    settings: Settings
    units: UnitsOfWork
    verifier: Verifier
    providers: dict[Provider, OAuthProvider]
    sign_in: SignIn
    workspaces: Workspaces
    api_tokens: ApiTokens
    connections: Connections
    grants: Grants
    authorizations: Authorizations
    connecting: Connecting
    disconnecting: Disconnecting
    access_tokens: AccessTokens
    auth_failures: AuthFailures
    links: ReconnectLinks
    affected_syncs: AffectedSyncs
    pages: Pages
    ticker: Ticker


def wire(
    settings: Settings,
    resources: Resources,
    providers: dict[Provider, OAuthProvider],
    http: httpx.AsyncClient,
    scheduler: httpx.AsyncClient,
) -> Parts:
    """Make the parts; nothing is read or sent yet."""
    database, units, leases = resources.database, resources.units, resources.leases
    keyring = Keyring.from_file(settings.auth_encryption_keys_file)
    grants, connections = Grants(database, keyring), Connections(database)
    authorizations = Authorizations(database, keyring)
    links = ReconnectLinks(database, connections)
    renewal = Renewal(units, connections, grants)
    ending = Ending(units, connections, grants)
    refresher = Refresher(grants, renewal, ending, leases, providers)
    access_tokens = AccessTokens(connections, grants, refresher)
    workspaces = Workspaces(database)
    api_tokens = ApiTokens(database, workspaces)
    return Parts(
        settings=settings,
        units=units,
        verifier=resources.verifier,
        providers=providers,
        sign_in=SignIn(resources.signer, api_tokens, workspaces, _oidc(settings, http)),
        workspaces=workspaces,
        api_tokens=api_tokens,
        connections=connections,
        grants=grants,
        authorizations=authorizations,
        connecting=Connecting(units, connections, grants, authorizations, links),
        disconnecting=Disconnecting(connections, grants, providers),
        access_tokens=access_tokens,
        auth_failures=AuthFailures(connections, grants, refresher),
        links=links,
        affected_syncs=AffectedSyncs(scheduler),
        pages=Pages(providers),
        ticker=Ticker(grants, access_tokens),
    )


def _oidc(settings: Settings, http: httpx.AsyncClient) -> OidcVerifier | None:
    if settings.auth_oidc_issuer_url is None:
        return None
    return OidcVerifier(settings.auth_oidc_issuer_url, settings.auth_oidc_client_id, http)
