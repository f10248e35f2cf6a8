"""Redirect URIs: which are registered, and how an answer is carried back on one."""

from urllib.parse import urlencode, urlsplit

from aiohttp import web

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


def is_registered(uri: str, extra: frozenset[str]) -> bool:
    """Whether the URI is a loopback one or listed in the settings."""
    if uri in extra:
        return True
    parts = urlsplit(uri)
    return (
        parts.scheme == "http"
        and parts.hostname in _LOOPBACK
        and not parts.fragment
        and "@" not in parts.netloc
    )


def redirect(uri: str, parameters: dict[str, str]) -> web.HTTPFound:
    """Return what, raised, sends the browser back to the app with parameters in the query."""
    joint = "&" if urlsplit(uri).query else "?"
    return web.HTTPFound(f"{uri}{joint}{urlencode(parameters)}")
