"""Static files, under an address that changes with their content: kept for a year by browsers."""

import hashlib
from pathlib import Path

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

LEAST_COMPRESSED_BYTES = 1_000
FOLDER = Path(__file__).parent.parent / "static"


def version() -> str:
    """Return what all files together are called by."""
    content = hashlib.sha256()
    for path in sorted(each for each in FOLDER.rglob("*") if each.is_file()):
        content.update(path.name.encode() + path.read_bytes())
    return content.hexdigest()[:12]


def install(app: FastAPI, called: str) -> None:
    """Serve them."""
    # Pages go as they are: what is compressed tells by its length of the secrets in it (BREACH).
    files = GZipMiddleware(_Kept(directory=FOLDER), minimum_size=LEAST_COMPRESSED_BYTES)
    app.mount(f"/static/{called}", files, name="static")


class _Kept(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response
