"""A bare FastAPI route that answers with one indexed find: what the token route is measured by."""

import os
from typing import Any

import uvicorn
from fastapi import FastAPI
from motor.motor_asyncio import AsyncIOMotorClient

client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(os.environ["MONGODB_URI"])
documents = client["bench"]["documents"]
app = FastAPI()


@app.post("/one")
async def one() -> dict[str, Any]:
    """Return the one document, made when it is first asked for."""
    found = await documents.find_one({"_id": "one"})
    if found is None:
        found = {"_id": "one", "token": "t" * 64, "version": 1}
        await documents.insert_one(found)
    return found


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ["HTTP_PORT"]), log_level="warning", access_log=False)
