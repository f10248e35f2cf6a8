"""What settings are made of: addresses without a slash at their end, origins, and secrets."""

import re
from typing import Annotated

from pydantic import AfterValidator, AnyHttpUrl, Field, SecretStr, TypeAdapter

_URL: TypeAdapter[AnyHttpUrl] = TypeAdapter(AnyHttpUrl)

_ORIGIN = re.compile(r"https?://[a-z0-9.\[\]:-]+")


def _http_url(text: str) -> str:
    """Check a base URL and return it without a slash at its end."""
    _URL.validate_python(text)
    return text.rstrip("/")


def _origins(text: str) -> str:
    """Check origins, several separated by commas; raises ValueError."""
    for each in origins(text):
        if not _ORIGIN.fullmatch(each):
            raise ValueError(f"{each} is no origin such as https://dashboard.example")
    return text


def origins(text: str) -> frozenset[str]:
    """Return each of several origins that are separated by commas."""
    return frozenset(filter(None, (each.strip().rstrip("/") for each in text.split(","))))


HttpUrl = Annotated[str, AfterValidator(_http_url)]
Origins = Annotated[str, AfterValidator(_origins)]
Secret = Annotated[SecretStr, Field(min_length=1)]
