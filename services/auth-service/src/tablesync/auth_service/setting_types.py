"""What settings are made of: addresses without a slash at their end, and secrets."""

from typing import Annotated

from pydantic import AfterValidator, AnyHttpUrl, Field, SecretStr, TypeAdapter

_URL: TypeAdapter[AnyHttpUrl] = TypeAdapter(AnyHttpUrl)


def _http_url(text: str) -> str:
    """Check a base URL and return it without a slash at its end."""
    _URL.validate_python(text)
    return text.rstrip("/")


HttpUrl = Annotated[str, AfterValidator(_http_url)]
Secret = Annotated[SecretStr, Field(min_length=1)]
