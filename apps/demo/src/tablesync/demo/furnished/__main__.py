"""`python -m tablesync.demo.furnished`: a platform that stays up, furnished once it is there."""

import asyncio

import httpx
from pymongo.errors import PyMongoError
from tablesync.demo.api import Api
from tablesync.demo.furnished.furnisher import Furnisher
from tablesync.demo.furnished.marks import Client
from tablesync.demo.person import Person
from tablesync.local_stack.__main__ import keep_platform_up
from tablesync.local_stack.info import StackInfo
from tablesync.local_stack.progress import Progress, print_progress
from tablesync.local_stack.sandbox_control import SandboxControl


def main() -> None:
    """Keep a platform up as `make up` does; what is not furnished by this start is by the next."""
    keep_platform_up(furnish_or_say_why)


def furnish_or_say_why(info: StackInfo) -> None:
    """Furnish the workspace; what goes wrong with it leaves the platform up."""
    try:
        asyncio.run(furnish(info))
    except (AssertionError, httpx.HTTPError, PyMongoError) as error:
        print_progress(
            f"DEMO: not furnished to the end: {error}; the next `make up DEMO=1` goes on"
        )


async def furnish(info: StackInfo, say: Progress = print_progress) -> None:
    """Furnish the workspace of a running stack."""
    assert info.sandbox, "what is connected here is the sandbox's"
    api = Api(info.urls, info.api_token)
    async with (
        SandboxControl(info.sandbox) as sandbox,
        Client(info.mongodb, tz_aware=True) as client,
    ):
        person = Person(api, sandbox)
        try:
            await Furnisher(info, client, api, sandbox, person, say).furnish()
        finally:
            await person.close()
            await api.close()


if __name__ == "__main__":
    main()
