"""Deal pipelines and their stages: there is one, the default."""

from typing import Any

from aiohttp import web
from tablesync.sandbox.seed.catalogue import DEAL_STAGES, OBJECT_ALIASES

from . import errors
from .access import Admission, admit
from .definitions import SINCE
from .state import HubSpotState

_LOST, _WON = "closedlost", "closedwon"


class PipelineRoutes:
    """Reading pipelines."""

    def __init__(self, state: HubSpotState) -> None:
        self._state = state

    async def pipelines(self, request: web.Request) -> web.Response:
        """GET the pipelines of an object with their stages."""
        return self._open(request).answer({"results": [_pipeline()]})

    async def one_pipeline(self, request: web.Request) -> web.Response:
        """GET one pipeline."""
        admission = self._open(request)
        return admission.answer(_one([_pipeline()], request.match_info["pipeline_id"]))

    async def stages(self, request: web.Request) -> web.Response:
        """GET the stages of one pipeline."""
        admission = self._open(request)
        found = _one([_pipeline()], request.match_info["pipeline_id"])
        return admission.answer({"results": found["stages"]})

    async def one_stage(self, request: web.Request) -> web.Response:
        """GET one stage of one pipeline."""
        admission = self._open(request)
        found = _one([_pipeline()], request.match_info["pipeline_id"])
        return admission.answer(_one(found["stages"], request.match_info["stage_id"]))

    def _open(self, request: web.Request) -> Admission:
        name = request.match_info["kind"]
        if OBJECT_ALIASES.get(name.lower()) != "deals":
            raise errors.unknown_object_type(name)
        return admit(self._state, request, ["crm.objects.deals.read"])


def _one(listed: list[dict[str, Any]], id_: str) -> dict[str, Any]:
    for each in listed:
        if each["id"] == id_:
            return each
    raise errors.resource_not_found()


def _pipeline() -> dict[str, Any]:
    stages = [_stage(order, value, label) for order, (value, label) in enumerate(DEAL_STAGES)]
    return {
        "id": "default",
        "label": "Sales Pipeline",
        "displayOrder": 0,
        "stages": stages,
        "createdAt": SINCE,
        "updatedAt": SINCE,
        "archived": False,
    }


def _stage(order: int, value: str, label: str) -> dict[str, Any]:
    """Return a stage; what is won is certain, what is lost is not, the rest is on its way."""
    closed = value in (_LOST, _WON)
    chance = {_LOST: 0.0, _WON: 1.0}.get(value, (order + 1) / 10)
    return {
        "id": value,
        "label": label,
        "displayOrder": order,
        "metadata": {"isClosed": str(closed).lower(), "probability": str(chance)},
        "writePermissions": "CRM_PERMISSIONS_ENFORCEMENT",
        "createdAt": SINCE,
        "updatedAt": SINCE,
        "archived": False,
    }
