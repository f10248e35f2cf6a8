"""What every answer tells a browser not to do."""

from collections.abc import Mapping, Sequence

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

YEAR_SECONDS = 31_536_000
NEVER = "no-store"
# *Back* to the answer to a form is that answer, and no page of the browser's that asks to send it
# again: no other answer is kept, and these are forgotten with the session.
KEPT = {"POST": "private, no-cache"}
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
}


def policy(form_targets: Sequence[str] = ()) -> str:
    """Return the content security policy of a page.

    Chromium follows `form-action` through redirects, so a form that ends elsewhere lists where.
    """
    forms = " ".join(["'self'", *form_targets])
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "connect-src 'self'",
            f"form-action {forms}",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


def install(app: FastAPI, form_targets: Sequence[str], *, secure: bool) -> Mapping[str, str]:
    """Send the headers with every answer of an app, and return them."""
    sent = {
        **_ALWAYS,
        "Content-Security-Policy": policy(form_targets),
        **({"Strict-Transport-Security": f"max-age={YEAR_SECONDS}"} if secure else {}),
    }
    app.add_middleware(SecurityHeaders, headers=sent)
    return {**sent, "Cache-Control": NEVER}


class SecurityHeaders:
    """ASGI middleware: adds the headers, unless an answer has its own."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self._app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Cache-Control", KEPT.get(scope["method"], NEVER))
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)
