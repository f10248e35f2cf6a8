"""Who may make and try syncs: operators, who wait as long as a provider takes to answer."""

from typing import Annotated

from fastapi import Depends
from tablesync.dashboard.web import desk
from tablesync.dashboard.web.desk import Asked
from tablesync.dashboard.web.silences import wait_for_others


async def _patient(asked: desk.Operator) -> Asked:
    wait_for_others()
    return asked


Operator = Annotated[Asked, Depends(_patient)]
