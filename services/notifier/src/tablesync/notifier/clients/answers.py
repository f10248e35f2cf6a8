"""What every peer's answer has in common: how it is asked for and read."""

from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from tablesync.notifier.errors import UnknownToPeerError
from tablesync.service_kit.errors import DependencyUnavailableError

T = TypeVar("T")


class Answer(BaseModel):
    """Base of what peers answer: deaf to fields added later."""

    model_config = ConfigDict(frozen=True, extra="ignore")


async def ask(
    http: httpx.AsyncClient, peer: str, method: str, path: str, **options: Any
) -> dict[str, Any]:
    """Ask once; whatever is no answer means later, but for 404."""
    try:
        response = await http.request(method, path, **options)
        if response.status_code == httpx.codes.NOT_FOUND:
            raise UnknownToPeerError(f"{peer} does not know {path}")
        response.raise_for_status()
        answer: dict[str, Any] = response.json()
    except (httpx.HTTPError, ValueError) as error:
        raise DependencyUnavailableError(peer) from error
    return answer


def read(adapter: TypeAdapter[T], value: Any, peer: str) -> T:
    """Read an answer; what cannot be read is no answer: later."""
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        raise DependencyUnavailableError(peer) from error
