"""What a benchmark multiplies: two connections and a sync of deals, made as a person makes them."""

from dataclasses import dataclass

from tablesync.demo.api import Api
from tablesync.demo.person import Person
from tablesync.demo.syncs import definition, tables_of
from tablesync.local_stack import LocalStack
from tablesync.local_stack.sandbox_control import SandboxControl

HOUR = 3_600


@dataclass(frozen=True)
class FirstWorkspace:
    """The ids of what there is."""

    hubspot: str
    airtable: str
    sync: str


async def first_workspace(stack: LocalStack) -> FirstWorkspace:
    """Connect both accounts, without limits, and define an hourly sync."""
    api = Api(stack.info.urls, stack.info.api_token)
    async with SandboxControl(stack.info.sandbox or "") as sandbox:
        await sandbox.control("hubspot", "-", "limits", enabled=False)
        await sandbox.control("airtable", "-", "limits", enabled=False)
        person = Person(api, sandbox)
        hubspot = (await person.connect("hubspot", "7001"))["connection_id"]
        airtable = (await person.connect("airtable"))["connection_id"]
        await person.close()
        table = tables_of((await sandbox.bases())["bases"])["deals"]
    path = f"/v1/catalog/{hubspot}/objects/deals/properties"
    properties = await api.items("sync-runner", path)
    body = definition("deals", table, properties, hubspot, airtable)
    sync = await api.post("scheduler", "/v1/syncs", {**body, "schedule": {"every_seconds": HOUR}})
    await api.close()
    return FirstWorkspace(hubspot, airtable, str(sync["id"]))
