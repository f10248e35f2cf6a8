"""Providers, connections and attempts to connect (auth-service)."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated
from urllib.parse import quote

from pydantic import Field, StringConstraints
from pydantic.config import JsonDict
from tablesync.contracts.internal_api.base import Text, showing
from tablesync.contracts.internal_api.scheduler import WrittenBase
from tablesync.contracts.names import Name
from tablesync.contracts.public_api.base import Answer, Asked, Open
from tablesync.contracts.specs import (
    Account,
    ConnectionCause,
    ConnectionStatus,
    Moment,
    Provider,
    Sparse,
)

# It comes back to a page twice over, as its address and as the one that it was reached from: the
# heads of requests end at 16 kB.
LONGEST_RETURN_TO = 4_000
_WORKSPACE_ID = "ws_01997f2a-3c10-7a41-9d52-6b1f0c8e4a01"
_CONNECTION_ID = "con_01997f2b-91aa-7c13-a6e4-5d2b8f0c3e03"
_OPERATOR_ID = "op_01997f2a-3c55-7b02-8f10-2a9d4c7e1b02"
_AUTHORIZATION_ID = "aut_01997f2c-7d40-7e55-b1a3-4f6c9d2e8a04"
_START_URL = f"https://auth.tablesync.example/oauth/hubspot/start?authorization={_AUTHORIZATION_ID}"
_PROVIDER: JsonDict = {
    "name": "hubspot",
    "label": "HubSpot",
    "mark": ["M5.8 9a3.2 3.2 0 1 0 6.4 0 3.2 3.2 0 1 0-6.4 0"],
    "is_source": True,
    "is_destination": False,
    "about": "Bring contacts, companies and deals into Airtable. You sign in at HubSpot; TableSync "
    "only reads there.",
    "reads": "contacts, companies, deals",
    "needs": "super admin rights",
    "asks_for": [],
    "asks": "HubSpot will ask you to let TableSync read your contacts, companies and deals.",
    "connect": "Choose the portal whose records are to be synced.",
    "reconnect": "Choose the same portal as before.",
    "removal": "To remove the app too: HubSpot → Settings → Integrations → Connected Apps.",
    "sign_out_url": "https://app.hubspot.com/logout",
    "places": {
        "lists": {"deals": "https://app.hubspot.com/contacts/{account}/objects/0-3/views/all/list"},
        "records": {"deals": "https://app.hubspot.com/contacts/{account}/record/0-3/{record}"},
    },
    "comes_back_after_refusal": False,
    "extras": [],
}
_CONNECTION: JsonDict = {
    "id": _CONNECTION_ID,
    "workspace_id": _WORKSPACE_ID,
    "provider": "hubspot",
    "name": "Sales portal",
    "account": {"id": "48211907", "name": "acme.example", "email": "ada@acme.example"},
    "host": None,
    "status": "connected",
    "cause": None,
    "grant_version": 3,
    "owner_id": _OPERATOR_ID,
    "scopes": ["oauth", "crm.objects.contacts.read"],
    "missing_scopes": ["crm.objects.deals.read"],
    "resources": None,
    "established_at": "2026-10-03T08:12:40.117Z",
    "changed_at": "2026-11-22T09:52:41.803Z",
    "changed_by": {"id": _OPERATOR_ID, "name": "Ada"},
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
_REVOKED_CONNECTION: JsonDict = {
    **_CONNECTION,
    "status": "revoked",
    "cause": "app_uninstalled",
    "missing_scopes": [],
    "changed_by": None,
    "badge": "Disconnected",
    "findings": [],
}
_COMPLETED: JsonDict = {
    "id": _AUTHORIZATION_ID,
    "provider": "hubspot",
    "status": "completed",
    "connection_id": _CONNECTION_ID,
    "asked_by": {"id": _OPERATOR_ID, "name": "Ada"},
    "asked_at": "2026-11-22T09:52:41.803Z",
    "expires_at": "2026-11-22T10:02:41.803Z",
    "start_url": None,
    "finding": None,
}
_PENDING: JsonDict = {
    **_COMPLETED,
    "status": "pending",
    "start_url": _START_URL,
}
_REFUSED: JsonDict = {
    **_COMPLETED,
    "status": "refused",
    "finding": {
        "kind": "another_account",
        "expected": {"id": "48211907", "name": "acme.example"},
        "found": {"id": "50013377", "name": "globex.example"},
        "message": "This connection belongs to acme.example, but you signed in to globex.example. "
        "Nothing was changed. Try again and choose acme.example.",
    },
}
_LESS_THAN_NEEDED: JsonDict = {
    **_COMPLETED,
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
_CONTINUED: JsonDict = {
    **_COMPLETED,
    "status": "denied",
    "continued_by": "aut_01997f2d-0c11-7b3a-9e42-8d5f1a7c6b05",
}


class Named(Answer):
    """Somebody or something, as people know it."""

    id: str
    name: str


class AskedBefore(Answer):
    """What somebody is asked for before they are sent to a provider."""

    model_config = showing(
        {"name": "shop", "label": "Your shop's address", "example": "acme.myshopify.com"}
    )

    name: str = Field(description="The member of a new authorization that it goes to.")
    label: str
    example: str


class ExtraPermission(Answer):
    """What may be allowed beside what is always asked for."""

    model_config = showing({"name": "create_tables", "words": "create tables and fields"})

    name: str = Field(description="What a new authorization names in `extras`.")
    words: str


class Places(Answer):
    """Pages at a provider for people, as URI templates of level 1 (RFC 6570).

    `account` and `host` are a connection's; `lists` and `records` go by the object.
    """

    model_config = showing(
        {
            "lists": {
                "deals": "https://app.hubspot.com/contacts/{account}/objects/0-3/views/all/list"
            },
            "records": {"deals": "https://app.hubspot.com/contacts/{account}/record/0-3/{record}"},
        }
    )

    lists: Mapping[str, str] = Field(default={}, description="Where all records are listed.")
    records: Mapping[str, str] = Field(default={}, description="Where one `record` is.")
    table: Sparse[str] = Field(default=None, description="Where a `table` of a `base` is.")
    row: Sparse[str] = Field(default=None, description="Where a `row` of a table is.")


def filled(template: str | None, **values: str | None) -> str | None:
    """Fill a template of `Places`; None without one, or where a value that it names is unknown."""
    wanted = re.findall(r"{(\w+)}", template or "")
    if not template or any(values.get(name) is None for name in wanted):
        return None
    return re.sub(r"{(\w+)}", lambda name: quote(values[name[1]] or "", safe=""), template)


class ProviderView(Answer):
    """A provider that can be connected here, in words for people."""

    model_config = showing(_PROVIDER)

    name: Open[Provider]
    label: str
    mark: tuple[Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9 .,-]+$")], ...] = Field(
        description="Paths of a drawing of 24 by 24, to be stroked."
    )
    is_source: bool
    is_destination: bool
    about: str = Field(description="What it is good for, in a sentence or two.")
    reads: str = Field(description="The objects that it has, or what is written there.")
    needs: str = Field(description="What whoever connects it needs to be there.")
    asks_for: tuple[AskedBefore, ...]
    asks: str = Field(description="What its own page will ask for.")
    connect: str = Field(description="What to choose there, the first time.")
    reconnect: str = Field(description="What to choose there, any other time.")
    removal: str = Field(description="Where the app can be removed.")
    sign_out_url: str = Field(description="Where one signs out of it, to be another there.")
    places: Places = Field(default=Places(), description="Where its records are looked at.")
    comes_back_after_refusal: bool = Field(
        description="Whether it sends the browser back when somebody refuses."
    )
    extras: tuple[ExtraPermission, ...] = Field(
        description="What may be allowed beside what is always asked for; lacking it never needs "
        "attention."
    )


class ProviderList(Answer):
    """The providers that can be connected here."""

    model_config = showing({"items": [_PROVIDER]})

    items: tuple[ProviderView, ...]


class ConnectionFinding(Answer):
    """What an operator should look at, with the remedy."""

    kind: str
    scopes: Sparse[tuple[str, ...]] = None
    message: str


class ConnectionView(Answer):
    """A connection as operators see it."""

    model_config = showing(_CONNECTION, _REVOKED_CONNECTION)

    id: str
    workspace_id: str
    provider: Open[Provider]
    name: str | None = Field(description="What operators call it, if they call it anything.")
    account: Account
    host: str | None = Field(description="The shop's domain, where each has its own.")
    status: Open[ConnectionStatus]
    cause: Open[ConnectionCause] | None
    grant_version: int
    owner_id: str
    scopes: tuple[str, ...]
    missing_scopes: tuple[str, ...] = Field(description="What the last consent left out.")
    resources: tuple[str, ...] | None = Field(
        description="Ids of what was chosen to be reached, such as Airtable bases; null where "
        "there is no choice, or it is not known."
    )
    established_at: Moment | None = Field(description="Null where that was not noted.")
    changed_at: Moment = Field(description="Since when it is what it is.")
    changed_by: Named | None = Field(description="Null where nobody did it, or it was not noted.")
    badge: str = Field(description="The words on its card.")
    findings: tuple[ConnectionFinding, ...]


class ConnectionEdit(Asked):
    """What to change of a connection."""

    model_config = showing({"name": "Sales portal"})

    name: Name | None = Field(description="Null takes the account's own name again.")


class ConnectionCounts(Answer):
    """How many connections there are, by the words of their badges."""

    model_config = showing({"total": 5, "badges": {"Connected": 3, "Disconnected": 2}})

    total: int
    badges: dict[str, int]


class ConnectionName(Answer):
    """What a connection is called."""

    id: str
    provider: Open[Provider]
    name: str = Field(description="Its own name, or that of its account.")


class ConnectionNames(Answer):
    """What the connections of a workspace are called, worst first: to choose one by."""

    model_config = showing(
        {"items": [{"id": _CONNECTION_ID, "provider": "hubspot", "name": "Acme"}]}
    )

    items: tuple[ConnectionName, ...] = Field(description="A thousand at most.")


class ConnectionEntry(Answer):
    """One line of a connection's history."""

    model_config = showing(
        {
            "at": "2026-11-22T09:52:41.803Z",
            "kind": "revoked",
            "cause": "app_uninstalled",
            "by": None,
        }
    )

    at: Moment
    kind: str = Field(
        description="`established`, `revoked`, `reconnected`, `disconnected` or `renamed`."
    )
    cause: str | None
    by: Named | None = Field(description="Null where nobody did it, or it was not noted.")


class NewAuthorization(Asked):
    """A wish to connect a provider, or to reconnect one connection."""

    model_config = showing({"provider": "hubspot", "connection_id": _CONNECTION_ID})

    provider: Text
    connection_id: Text | None = None
    shop: Text | None = Field(
        default=None,
        description="The shop's domain, at a provider where each shop has its own; a connection "
        "that is reconnected has one already.",
    )
    extras: tuple[Text, ...] = Field(
        default=(),
        max_length=10,
        description="What is to be allowed beside what is always asked for, as the provider's "
        "`extras` name it. What a connection was allowed before is asked for again anyway.",
    )
    return_to: Text | None = Field(
        default=None,
        max_length=LONGEST_RETURN_TO,
        description="Where the browser goes in the end, whatever came of the attempt, with its id "
        "as `authorization`: an address of an origin that `AUTH_RETURN_ORIGINS` lists.",
    )


class CreatedAuthorization(Answer):
    """An attempt that begins when a browser opens its page."""

    model_config = showing({"id": _AUTHORIZATION_ID, "start_url": _START_URL})

    id: str
    start_url: str


class AuthorizationStatus(StrEnum):
    """What became of an attempt; `review` waits for an operator's decision."""

    PENDING = "pending"
    COMPLETED = "completed"
    REVIEW = "review"
    REFUSED = "refused"
    DENIED = "denied"
    EXPIRED = "expired"
    CANCELLED = "cancelled"  # by an operator, before it came to an end


class NamedAccount(Answer):
    """An account as people know it."""

    id: str
    name: str


class Finding(Answer):
    """What an operator should know of an attempt; with both names if it was another account.

    `bases` are the first of those left out that syncs write to, `bases_total` counts all.
    """

    kind: str
    expected: Sparse[NamedAccount] = None
    found: Sparse[NamedAccount] = None
    bases: Sparse[tuple[WrittenBase, ...]] = None
    bases_total: Sparse[int] = None
    message: str


class AuthorizationView(Answer):
    """An attempt, as the page that waits for its outcome reads it."""

    model_config = showing(_COMPLETED, _PENDING, _REFUSED, _LESS_THAN_NEEDED, _CONTINUED)

    id: str
    provider: Open[Provider]
    status: Open[AuthorizationStatus]
    connection_id: str | None = Field(
        description="What is to be reconnected, or what came of the attempt."
    )
    asked_by: Named | None = Field(description="Null for somebody unknown by now.")
    asked_at: Moment
    expires_at: Moment
    start_url: str | None = Field(
        description="Where it goes on while it is pending, for who may connect accounts."
    )
    finding: Finding | None = Field(
        description="What to know of it: why nothing came of it, or what it does not reach."
    )
    continued_by: Sparse[str] = Field(
        default=None,
        description="The attempt that was begun after this one, on its own page: go on with that.",
    )
