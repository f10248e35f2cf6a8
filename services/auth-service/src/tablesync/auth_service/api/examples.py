"""What `/openapi.json` shows: examples that agree with each other."""

from pydantic.config import JsonDict

_WORKSPACE_ID = "ws_01997f2a-3c10-7a41-9d52-6b1f0c8e4a01"
_CONNECTION_ID = "con_01997f2b-91aa-7c13-a6e4-5d2b8f0c3e03"
_OPERATOR_ID = "op_01997f2a-3c55-7b02-8f10-2a9d4c7e1b02"
_AUTHORIZATION_ID = "aut_01997f2c-7d40-7e55-b1a3-4f6c9d2e8a04"
_ACCOUNT: JsonDict = {"id": "48211907", "name": "acme.example", "email": "ada@acme.example"}

USER_TOKEN: JsonDict = {
    "access_token": "a JWT of five minutes",
    "token_type": "Bearer",
    "expires_in": 300,
    "workspace_id": _WORKSPACE_ID,
    "operator_id": _OPERATOR_ID,
    "role": "operator",
}
PERSON_TOKEN: JsonDict = {
    **USER_TOKEN,
    "workspace_id": None,
    "operator_id": None,
    "role": None,
}
NEW_API_TOKEN: JsonDict = {"name": "Ada’s laptop"}
API_TOKEN: JsonDict = {
    "id": "tok_01997f2a-5a77-7d10-8c4e-1b2f6a9d3c05",
    "name": "Ada’s laptop",
    "created_at": "2026-11-22T09:40:00.000Z",
}
CREATED_API_TOKEN: JsonDict = {**API_TOKEN, "api_token": "tsk_the-secret-that-is-shown-once"}
DELETED_API_TOKEN: JsonDict = {"id": API_TOKEN["id"], "deleted": True}

WORKSPACE: JsonDict = {"id": _WORKSPACE_ID, "name": "Acme"}
OWN_WORKSPACE: JsonDict = {**WORKSPACE, "role": "admin"}
NEW_WORKSPACE: JsonDict = {"name": "Acme"}
NEW_MEMBER: JsonDict = {"email": "ada@acme.example", "name": "Ada", "role": "operator"}
MEMBER: JsonDict = {"operator_id": _OPERATOR_ID, **NEW_MEMBER}
INVITATION: JsonDict = {
    "id": "inv_01997f31-5b20-7d64-8c0e-91a3f5d7c205",
    **NEW_MEMBER,
    "expires_at": "2026-11-29T09:52:41.803Z",
}
RECEIVED_INVITATION: JsonDict = {
    "id": INVITATION["id"],
    "workspace": WORKSPACE,
    "role": "operator",
    "invited_by": {"email": "eve@acme.example", "name": "Eve"},
    "expires_at": INVITATION["expires_at"],
}
WITHDRAWN_INVITATION: JsonDict = {"id": INVITATION["id"], "withdrawn": True}
DECLINED_INVITATION: JsonDict = {"id": INVITATION["id"], "declined": True}
MEMBER_EDIT: JsonDict = {"role": "viewer"}
REMOVED_MEMBER: JsonDict = {"operator_id": _OPERATOR_ID, "removed": True}

CONNECTION: JsonDict = {
    "id": _CONNECTION_ID,
    "workspace_id": _WORKSPACE_ID,
    "provider": "hubspot",
    "account": _ACCOUNT,
    "status": "connected",
    "cause": None,
    "grant_version": 3,
    "owner_id": _OPERATOR_ID,
    "scopes": ["oauth", "crm.objects.contacts.read"],
    "missing_scopes": ["crm.objects.deals.read"],
    "resources": None,
    "changed_at": "2026-11-22T09:52:41.803Z",
    "badge": "Needs attention",
    "findings": [
        {
            "kind": "missing_scopes",
            "scopes": ["crm.objects.deals.read"],
            "message": "TableSync was not allowed to read deals at HubSpot "
            "(crm.objects.deals.read): reconnect HubSpot and allow it. Syncs that need it are held "
            "until then.",
        }
    ],
}
REVOKED_CONNECTION: JsonDict = {
    **CONNECTION,
    "status": "revoked",
    "cause": "app_uninstalled",
    "missing_scopes": [],
    "badge": "Disconnected",
    "findings": [],
}

NEW_AUTHORIZATION: JsonDict = {"provider": "hubspot", "connection_id": _CONNECTION_ID}
CREATED_AUTHORIZATION: JsonDict = {
    "id": _AUTHORIZATION_ID,
    "start_url": "https://auth.tablesync.example/oauth/hubspot/start"
    f"?authorization={_AUTHORIZATION_ID}",
}
COMPLETED_AUTHORIZATION: JsonDict = {
    "id": _AUTHORIZATION_ID,
    "provider": "hubspot",
    "status": "completed",
    "connection_id": _CONNECTION_ID,
    "finding": None,
}
REFUSED_AUTHORIZATION: JsonDict = {
    **COMPLETED_AUTHORIZATION,
    "status": "refused",
    "finding": {
        "kind": "another_account",
        "expected": {"id": "48211907", "name": "acme.example"},
        "found": {"id": "50013377", "name": "globex.example"},
        "message": "This connection belongs to acme.example, but you signed in to globex.example. "
        "Nothing was changed. Try again and choose acme.example.",
    },
}
LESS_THAN_NEEDED_AUTHORIZATION: JsonDict = {
    **COMPLETED_AUTHORIZATION,
    "provider": "airtable",
    "finding": {
        "kind": "bases_left_out",
        "bases": [
            {
                "base_id": "appAcmeDeals00001",
                "name": "Acme deals",
                "syncs": 2,
                "sync_names": ["Deals", "Deals of 2025"],
            }
        ],
        "bases_total": 1,
        "message": "Bases that syncs write to were left out on Airtable's page: Acme deals "
        "(appAcmeDeals00001), 2 syncs: Deals, Deals of 2025. Those syncs are held until their "
        "base is chosen: connect once more and choose it too.",
    },
}
CONTINUED_AUTHORIZATION: JsonDict = {
    **COMPLETED_AUTHORIZATION,
    "status": "denied",
    "continued_by": "aut_01997f2d-0c11-7b3a-9e42-8d5f1a7c6b05",
}
