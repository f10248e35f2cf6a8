"""`/internal/v1`: whom it admits. What it answers is in `tests/contracts`."""

from auth_service_rig import Rig


async def test_internal_routes_admit_the_named_services_alone(rig: Rig) -> None:
    path = "/internal/v1/connections/con_x/access-token"
    body = {"workspace_id": rig.workspace_id}

    assert (await rig.client().post(path, json=body)).status_code == 401
    assert (await (await rig.operator()).post(path, json=body)).status_code == 401
    assert (await rig.service("notifier").post(path, json=body)).status_code == 403
    assert (await rig.service("sync-runner").post(path, json=body)).status_code == 404
