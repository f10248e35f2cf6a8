"""A method that a path does not have: the answer names those that it has, of all its routes."""

import re
from typing import Any

import httpx
import pytest

from .running import Running

pytestmark = pytest.mark.unit


def methods(document: dict[str, Any], path: str) -> set[str]:
    """Return what the document has for a path: HEAD is answered wherever GET is."""
    paths = document["paths"].items()
    templates = ((re.sub(r"{\w+}", "[^/]+", each), operations) for each, operations in paths)
    found = {m.upper() for each, of in templates if re.fullmatch(each, path) for m in of}
    return found | ({"HEAD"} if "GET" in found else set())


async def test_p21_a_method_that_is_not_allowed_is_told_those_that_are(service: Running) -> None:
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{service.port}", trust_env=False
    ) as client:
        document = (await client.get("/openapi.json")).json()
        for template in document["paths"]:
            path = re.sub(r"{\w+}", "some", template)
            answer = await client.options(path)
            assert answer.status_code == 405, path
            assert set(answer.headers["Allow"].split(", ")) == methods(document, path), path
