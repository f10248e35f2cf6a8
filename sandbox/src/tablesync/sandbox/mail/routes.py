"""The inbox page, one page per mail, and the same as JSON."""

import re

from aiohttp import web
from tablesync.sandbox.pages import page
from tablesync.sandbox.web import json_answer, problem

from .mailbox import Mail, Mailbox

# Nothing in a mail may run; what its links lead to is a page of its own, and may.
_SAFE_FRAME = {
    "content-security-policy": "sandbox allow-popups allow-popups-to-escape-sandbox; "
    "default-src 'none'; img-src *; style-src 'unsafe-inline'"
}
_OPENING = re.compile(r"\s*(<!doctype[^>]*>)?\s*(<html[^>]*>)?\s*(<head[^>]*>)?", re.IGNORECASE)


class MailRoutes:
    """Reading what was caught."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    def routes(self) -> list[web.RouteDef]:
        """Return the mail catcher's routes."""
        return [
            web.get("/mail", self.inbox),
            web.get("/mail/", self.inbox),
            web.get("/mail/api/messages", self.messages),
            web.delete("/mail/api/messages", self.clear),
            web.get("/mail/{id}", self.mail),
            web.get("/mail/{id}/html", self.html),
        ]

    async def inbox(self, request: web.Request) -> web.Response:
        """Show all mails, newest first."""
        mails = [mail.shown() for mail in reversed(self._mailbox.find(request.query.get("to")))]
        return page("mail", "inbox.html", mails=mails)

    async def mail(self, request: web.Request) -> web.Response:
        """Show one mail: headers, HTML part, text part."""
        return page("mail", "mail.html", mail=self._get(request).shown())

    async def html(self, request: web.Request) -> web.Response:
        """Return the HTML part alone, for the frame."""
        text = _in_new_tabs(self._get(request).shown()["html"])
        return web.Response(text=text, content_type="text/html", headers=_SAFE_FRAME)

    async def messages(self, request: web.Request) -> web.Response:
        """Return the mails as JSON, oldest first."""
        found = self._mailbox.find(request.query.get("to"))
        return json_answer({"messages": [mail.shown() for mail in found]})

    async def clear(self, _: web.Request) -> web.Response:
        """Empty the mailbox."""
        return json_answer({"deleted": self._mailbox.clear()})

    def _get(self, request: web.Request) -> Mail:
        mail = self._mailbox.get(request.match_info["id"])
        if mail is None:
            raise problem(404, "Not Found", "There is no such mail.")
        return mail


def _in_new_tabs(html: str) -> str:
    """Have links open in a new tab, as mail programs do: few pages let themselves be framed."""
    opening = _OPENING.match(html)
    at = opening.end() if opening else 0
    return f'{html[:at]}<base target="_blank">{html[at:]}'
