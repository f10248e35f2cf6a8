"""Examples that the dashboard's unit tests share."""

from typing import Any, TypeVar

from pydantic import BaseModel

Model = TypeVar("Model", bound=BaseModel)


def like(model: type[Model], **changes: Any) -> Model:
    """Return the contract's own example, with some members changed."""
    examples: Any = model.model_json_schema()["examples"]
    return model.model_validate({**examples[0], **changes})
