"""Every HubSpot path, in both families."""

from aiohttp import web

from .authorize import AuthorizeRoutes
from .browsing import BrowsingRoutes
from .metadata import MetadataRoutes
from .objects import ObjectRoutes
from .owners import OwnerRoutes
from .pipelines import PipelineRoutes
from .search import SearchRoutes
from .state import HubSpotState
from .tokens import TokenRoutes

_DATES = ("2026-03", "2026-09")
_ROOT = "/hubspot"


def _families(classic: str, dated: str) -> list[str]:
    """Return the classic path and the dated ones."""
    return [_ROOT + classic, *(_ROOT + dated.replace("DATE", date) for date in _DATES)]


def routes(state: HubSpotState, api_url: str) -> list[web.RouteDef]:
    """Return HubSpot's routes."""
    return [
        *_oauth(state),
        *_objects(state, api_url),
        *_metadata(state),
        *_owners(state, api_url),
        *_pipelines(state),
        *_pages(state),
    ]


def _oauth(state: HubSpotState) -> list[web.RouteDef]:
    authorize, tokens = AuthorizeRoutes(state), TokenRoutes(state)
    versions = ("v3", *_DATES)
    return [
        web.get(f"{_ROOT}/oauth/authorize", authorize.show),
        web.post(f"{_ROOT}/oauth/authorize", authorize.act),
        web.get(f"{_ROOT}/logout", authorize.sign_out),
        *(web.post(f"{_ROOT}/oauth/{name}/token", tokens.token) for name in ("v1", *versions)),
        *(web.post(f"{_ROOT}/oauth/{n}/token/introspect", tokens.introspect) for n in versions),
        *(web.post(f"{_ROOT}/oauth/{name}/token/revoke", tokens.revoke) for name in versions),
        web.get(f"{_ROOT}/oauth/v1/access-tokens/{{token}}", tokens.legacy_access_token),
        web.get(f"{_ROOT}/oauth/v1/refresh-tokens/{{token}}", tokens.legacy_refresh_token),
        web.delete(f"{_ROOT}/oauth/v1/refresh-tokens/{{token}}", tokens.legacy_refresh_token),
        *(web.delete(path, tokens.uninstall) for path in _families(
            "/appinstalls/v3/external-install", "/appinstalls/DATE/external-install"
        )),
    ]  # fmt: skip


def _objects(state: HubSpotState, api_url: str) -> list[web.RouteDef]:
    objects, search = ObjectRoutes(state, api_url), SearchRoutes(state)
    found: list[web.RouteDef] = []
    for path in _families("/crm/v3/objects/{kind}", "/crm/objects/DATE/{kind}"):
        found += [
            web.get(path, objects.list_records),
            web.post(f"{path}/search", search.search),
            web.post(f"{path}/batch/read", objects.batch_read),
            web.get(f"{path}/{{record_id}}", objects.get_record),
        ]
    return found


def _metadata(state: HubSpotState) -> list[web.RouteDef]:
    metadata = MetadataRoutes(state)
    found: list[web.RouteDef] = []
    for path in _families("/crm/v3/properties/{kind}", "/crm/properties/DATE/{kind}"):
        found += [
            web.get(path, metadata.properties),
            web.post(f"{path}/batch/read", metadata.batch_read),
            web.get(f"{path}/groups", metadata.groups),
            web.get(f"{path}/groups/{{name}}", metadata.one_group),
            web.get(f"{path}/{{name}}", metadata.one_property),
        ]
    for path in _families("/account-info/v3/details", "/account-info/DATE/details"):
        found.append(web.get(path, metadata.account))
    return found


def _owners(state: HubSpotState, api_url: str) -> list[web.RouteDef]:
    owners = OwnerRoutes(state, api_url)
    found: list[web.RouteDef] = []
    for path in _families("/crm/v3/owners", "/crm/owners/DATE"):
        found += [web.get(each, owners.owners) for each in (path, f"{path}/")]
        found.append(web.get(f"{path}/{{owner_id}}", owners.one_owner))
    return found


def _pipelines(state: HubSpotState) -> list[web.RouteDef]:
    pipelines = PipelineRoutes(state)
    found: list[web.RouteDef] = []
    for path in _families("/crm/v3/pipelines/{kind}", "/crm/pipelines/DATE/{kind}"):
        one = f"{path}/{{pipeline_id}}"
        found += [
            web.get(path, pipelines.pipelines),
            web.get(one, pipelines.one_pipeline),
            web.get(f"{one}/stages", pipelines.stages),
            web.get(f"{one}/stages/{{stage_id}}", pipelines.one_stage),
        ]
    return found


def _pages(state: HubSpotState) -> list[web.RouteDef]:
    browsing = BrowsingRoutes(state)
    portal = f"{_ROOT}/contacts/{{portal}}"
    return [
        web.get(f"{portal}/objects/{{type}}/views/all/list", browsing.show),
        web.get(f"{portal}/record/{{type}}/{{record:[0-9]{{1,18}}}}", browsing.show),
    ]
