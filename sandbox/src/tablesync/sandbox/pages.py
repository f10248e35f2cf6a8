"""The pages that a person sees, rendered from `templates/`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)

BRANDS = {
    "airtable": ("Airtable", "#166ee1"),
    "hubspot": ("HubSpot", "#ff5c35"),
    "oidc": ("Sandbox sign-in", "#5b4bdb"),
    "sandbox": ("TableSync sandbox", "#3b4252"),
    "mail": ("Mail catcher", "#0b7a75"),
}


# So many records does one page show.
A_PAGE = 100


def page(provider: str, template: str, status: int = 200, **context: Any) -> web.Response:
    """Return a page in the provider's colours."""
    brand, colour = BRANDS[provider]
    text = _environment.get_template(template).render(brand=brand, colour=colour, **context)
    return web.Response(text=text, status=status, content_type="text/html")


def records_page(
    provider: str, name: str, columns: Sequence[str], rows: Sequence[Sequence[str]], of: int
) -> web.Response:
    """Return a page with records, which are the first of so many, a text for each column."""
    return page(provider, "records.html", name=name, columns=columns, rows=rows, of=of)
