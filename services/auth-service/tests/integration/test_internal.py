"""`/internal/v1`: whom it admits. What it answers is in `tests/contracts`."""

from auth_service_rig import Rig


async def test_internal_routes_admit_the_named_services_alone(rig: Rig) -> None:
    path = "/internal/v1/connections/con_x/access-token"
    body = {"workspace_id": rig.workspace_id}

    assert (await rig.client().post(path, json=body)).status_code == 401
    assert (await (await rig.operator()).post(path, json=body)).status_code == 401
    assert (await rig.service("notifier").post(path, json=body)).status_code == 403
    assert (await rig.service("sync-runner").post(path, json=body)).status_code == 404


async def test_p30_a_number_that_mongodb_does_not_know_is_no_fault_of_ours(rig: Rig) -> None:
    scheduler, connection = rig.service("scheduler"), await rig.connect()
    huge = 2**63

    states = await scheduler.get(f"/internal/v1/connections?since_sequence={huge}")
    ruling = await rig.report(connection["id"], huge)

    assert states.status_code == 422
    assert ruling["verdict"] == "stale"
