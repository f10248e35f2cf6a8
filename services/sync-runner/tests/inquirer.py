"""Somebody who asks sync-runner what a sync would do: what they send, and who they are."""

from typing import Any

from sync_runner_rig import WORKSPACE, Json
from tablesync.contracts import SyncSpec
from tablesync.local_stack.keys import ServiceKeys
from tablesync.service_kit.http.service_auth import Signer
from tablesync.service_kit.http.user_auth import OperatorRole, Principal, issue

FOREIGN = "ws_0198f0c2-0000-7000-8000-000000000002"


def signed_in(
    service_keys: ServiceKeys,
    role: OperatorRole = OperatorRole.OPERATOR,
    workspace_id: str = WORKSPACE,
) -> dict[str, str]:
    """Return the headers of somebody in a role."""
    signer = Signer.from_file("auth-service", service_keys.private_key_file("auth-service"))
    who = Principal(operator_id="op_1", workspace_id=workspace_id, role=role)
    return {"Authorization": f"Bearer {issue(signer, who)}"}


def tried(spec: SyncSpec, **changes: Any) -> Json:
    """Return a sync's contents as somebody sends them."""
    sent = spec.model_dump(mode="json", include={"source", "destination", "key", "mapping"})
    del sent["source"]["provider"]
    sent["mapping"] = [{"as": "value", **each} for each in sent["mapping"]]
    return sent | changes
