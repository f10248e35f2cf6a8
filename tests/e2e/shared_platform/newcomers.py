"""Somebody new for each story: a workspace, an API token and a mailbox that nobody else has."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import httpx
from story_platform import telling
from tablesync.contracts.internal_api import Recipients
from tablesync.demo.api import Api
from tablesync.demo.story import Story
from tablesync.demo.watch import Watch
from tablesync.local_stack import LocalStack
from tablesync.local_stack.info import StackInfo
from tablesync.service_kit.http.service_auth import PERSON_TOKEN, USER_AUDIENCE, Signer
from tablesync.service_kit.http.user_auth import LIFETIME_SECONDS, OperatorRole, Principal, issue
from tablesync.test_kit import SandboxControl, eventually, unique_prefix
from tablesync.test_kit.services import InternalEdge


class OwnMail(SandboxControl):
    """The sandbox's control, to which the mailbox has this person's mails alone."""

    def __init__(self, url: str, email: str) -> None:
        super().__init__(url)
        self._email = email

    async def messages(self, to: str | None = None) -> list[dict[str, Any]]:
        """Read the mails to this person, or to the one who is named."""
        return await super().messages(to or self._email)


@dataclass(frozen=True)
class Newcomer:
    """A person who administers a workspace; `info` is the platform as they know it."""

    info: StackInfo
    sandbox: OwnMail
    topic_prefix: str

    def telling(self) -> AbstractAsyncContextManager[tuple[Story, Watch]]:
        """Have a story told in the workspace; the watch sees what is of that."""
        return telling(self.info, self.topic_prefix, self.sandbox, self.info.workspace_id)


@asynccontextmanager
async def newcomer(stack: LocalStack) -> AsyncIterator[Newcomer]:
    """Yield somebody new, before whom providers are as they began; leave nothing that runs."""
    assert stack.info.sandbox
    email = f"{unique_prefix('')}@example.test"
    info = await _with_a_workspace(stack, email)
    async with OwnMail(stack.info.sandbox, email) as sandbox:
        await sandbox.reset()
        try:
            yield Newcomer(info, sandbox, stack.plan.given.topic_prefix)
        finally:
            await _come_to_rest(info)


async def _with_a_workspace(stack: LocalStack, email: str) -> StackInfo:
    """Have a workspace made by somebody of this address; return what opens it."""
    keys = stack.plan.keys
    signer = Signer.from_file("auth-service", keys.private_key_file("auth-service"))
    claims = {"aud": USER_AUDIENCE, "use": PERSON_TOKEN, "sub": email, "name": "Ada"}
    url = stack.info.urls["auth-service"]
    person = signer.sign(claims, LIFETIME_SECONDS)
    workspace_id = (await _made(f"{url}/v1/workspaces", person, name="Demo"))["id"]
    async with InternalEdge("auth-service", url, keys) as edge:
        answer = await edge.get("notifier", f"/workspaces/{workspace_id}/recipients")
    (founder,) = Recipients.model_validate_json(answer.content).items
    admin = Principal(
        operator_id=founder.operator_id, workspace_id=workspace_id, role=OperatorRole.ADMIN
    )
    token = await _made(f"{url}/v1/api-tokens", issue(signer, admin), name="story")
    return replace(
        stack.info,
        mailbox=f"{stack.info.mailbox}?to={email}",
        users=[founder.model_dump(mode="json")],
        api_token=token["api_token"],
        workspace_id=workspace_id,
    )


async def _made(url: str, token: str, **body: str) -> dict[str, Any]:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(url, json=body, headers={"Authorization": f"Bearer {token}"})
    answer.raise_for_status()
    return dict(answer.json())


async def _come_to_rest(info: StackInfo) -> None:
    """Delete the syncs and end the connections, so that no later story meets any of it."""
    api = Api(info.urls, info.api_token)

    async def nothing_runs() -> bool:
        return all(each["ended_at"] for each in await api.items("scheduler", "/v1/runs"))

    for each in await api.items("scheduler", "/v1/syncs"):
        await api.attempt("DELETE", "scheduler", f"/v1/syncs/{each['id']}")
    await eventually(nothing_runs, timeout=60)
    for each in await api.items("auth-service", "/v1/connections"):
        await api.post("auth-service", f"/v1/connections/{each['id']}/disconnect")
    await api.close()
