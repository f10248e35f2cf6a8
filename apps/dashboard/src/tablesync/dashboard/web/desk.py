"""What every page is made with: templates, visitors, cookies and signatures, put together once."""

import hashlib
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import SecretStr
from tablesync.client import ConflictError, ForbiddenError, NotFoundError, UnauthorizedError
from tablesync.client.errors import Problem
from tablesync.contracts.public_api.people import Role
from tablesync.dashboard.settings import NAME, Settings
from tablesync.dashboard.shown.times import Clock, zone_named
from tablesync.dashboard.web.answers import SeeOtherError, page_before, see_other
from tablesync.dashboard.web.cookies import Cookies
from tablesync.dashboard.web.forms import Form
from tablesync.dashboard.web.rendering import Rendering
from tablesync.dashboard.web.signing import Signing
from tablesync.dashboard.web.silences import wait_for_pages
from tablesync.dashboard.web.visitors import Visitor, Visitors

SESSION, FLASH, ONCE = "session", "flash", "once"
# The browser's own zone is set by a script, that which somebody has chosen by a form.
ZONE, CHOSEN_ZONE = "zone", "chosen_zone"
DAY_SECONDS = 86_400
AWAY = 503
FLASH_SECONDS = 60
FORM_SECONDS = 14 * DAY_SECONDS


class StaleFormError(Exception):
    """A form that was not made by us for whoever sends it, or too long ago.

    `form` is what it says, if we made it for a session that the browser had before.
    """

    def __init__(self, form: Form | None = None) -> None:
        super().__init__()
        self.form = form


@dataclass(frozen=True)
class Asked:
    """A request for a page of one workspace, by a member of it."""

    request: Request
    visitor: Visitor
    workspace_id: str
    clock: Clock

    def path(self, path: str) -> str:
        """Return the address of a page of this workspace."""
        return f"/w/{self.workspace_id}{path}"


@dataclass(frozen=True)
class PageContext:
    """What pages and parts know of whoever asks; `once` makes each form an act of its own."""

    asked: Asked
    may_operate: bool
    may_administer: bool
    csrf: str
    once: str
    may_practise: bool = False

    def version(self, shown: str) -> str:
        """Return the version of a part for this viewer, whose buttons are part of it."""
        return f"{shown}{'a' if self.may_administer else 'o' if self.may_operate else 'v'}"

    @property
    def clock(self) -> Clock:
        """What it is now, where the viewer is."""
        return self.asked.clock


@dataclass(frozen=True)
class Desk:
    """Reads requests and renders pages."""

    settings: Settings
    rendering: Rendering
    visitors: Visitors
    cookies: Cookies
    signing: Signing

    def install(self, app: FastAPI) -> None:
        """Have an app's routes find this desk."""
        app.state.desk = self

    async def asked(self, request: Request, workspace_id: str) -> Asked:
        """Return who asks for a page of a workspace.

        Raises SeeOtherError for nobody, and NotFoundError where somebody is no member.
        """
        visitor = await self.visitor(request, workspace_id)
        return Asked(request, visitor, workspace_id, self.clock(request))

    async def visitor(self, request: Request, workspace_id: str | None = None) -> Visitor:
        """Return who asks; raises SeeOtherError for nobody."""
        session = self.session(request)
        if session is None:
            raise SeeOtherError(sign_in_path(request))
        try:
            return await self.visitors.of(session, workspace_id)
        except UnauthorizedError as error:
            if workspace_id and await self._is_somebody(session):
                raise NotFoundError(error.service, error.problem) from error
            raise SeeOtherError(sign_in_path(request), forget_session=True) from error
        except ConflictError as error:
            raise SeeOtherError("/workspaces") from error

    async def person(self, request: Request) -> Visitor:
        """Return who asks, in whichever workspace; raises SeeOtherError for nobody."""
        session = self.session(request)
        if session is None:
            raise SeeOtherError(sign_in_path(request))
        try:
            return await self.visitors.of(session)
        except ConflictError as error:
            (first, *_) = error.problem.more["workspaces"]
            return await self.visitors.of(session, first["id"])
        except UnauthorizedError as error:
            raise SeeOtherError(sign_in_path(request), forget_session=True) from error

    async def _is_somebody(self, session: SecretStr) -> bool:
        """Whether a session is good, though not for the workspace that was asked for."""
        try:
            await self.visitors.of(session)
        except ConflictError:
            return True
        except UnauthorizedError:
            return False
        return True

    def session(self, request: Request) -> SecretStr | None:
        """Return the secret of the browser's session, if it has one."""
        kept = self.cookies.get(request, SESSION)
        return SecretStr(kept) if kept else None

    def forget_session(self, answer: Response) -> None:
        """Have a browser forget its session, and the answers to forms that it has kept."""
        self.cookies.forget(answer, SESSION)
        answer.headers["Clear-Site-Data"] = '"cache"'

    def clock(self, request: Request) -> Clock:
        """Return what it is now, where the browser says that it is."""
        zone = self.chosen_zone(request) or request.cookies.get(f"tablesync_{ZONE}")
        return Clock(datetime.now(UTC), zone_named(zone))

    def chosen_zone(self, request: Request) -> str | None:
        """Return the time zone that somebody has chosen in this browser, if they have."""
        return self.cookies.get(request, CHOSEN_ZONE)

    def page(self, asked: Asked, template: str, *, status: int = 200, **values: Any) -> Response:
        """Render a page of a workspace for whoever asked."""
        context = self.context(asked)
        return self._page(
            asked.request, template, status, page=context, clock=asked.clock, **values
        )

    def context(self, asked: Asked) -> PageContext:
        """Return what every page and every part of a workspace is rendered with."""
        return PageContext(
            asked=asked,
            may_operate=asked.visitor.may(Role.OPERATOR),
            may_administer=asked.visitor.may(Role.ADMIN),
            may_practise=bool(self.settings.sandbox_url),
            csrf=self.form_token(asked.visitor.session),
            once=secrets.token_urlsafe(16),
        )

    def waiting_page(self, asked: Asked, template: str, **values: Any) -> Response:
        """Render a page of a workspace whose own subject nobody tells of now."""
        return self.page(asked, template, status=AWAY, again=here(asked.request), **values)

    def plain_page(
        self, request: Request, template: str, *, status: int = 200, **values: Any
    ) -> Response:
        """Render a page of no workspace."""
        session = self.session(request)
        csrf = self.form_token(session) if session else ""
        return self._page(
            request, template, status, page=None, clock=self.clock(request), csrf=csrf, **values
        )

    async def form(self, request: Request) -> Form:
        """Read a form of ours; raises StaleFormError for any other."""
        form, session = await Form.of(request), self.session(request)
        sent = self.signing.read("form", form.get("csrf"), FORM_SECONDS)
        if session is None or sent is None:
            raise StaleFormError
        if sent != _fingerprint(session):
            raise StaleFormError(form)
        request.state.sent = form
        return form.named(request.url.path)

    def form_token(self, session: SecretStr) -> str:
        """Return what a form has to bring back, so that no other site can send it."""
        return self.signing.sign("form", _fingerprint(session))

    def back(
        self,
        request: Request,
        path: str,
        message: str = "",
        tone: str = "good",
        *,
        undo: str = "",
    ) -> Response:
        """Send a browser to a page of ours, which says what was done; `undo` takes it back."""
        answer = see_other(request, path)
        if message:
            said = self.signing.sign(FLASH, [tone, message, undo])
            self.cookies.set(answer, FLASH, said, FLASH_SECONDS)
        return answer

    def signed_out(self, request: Request) -> Response:
        """Send a browser whose session has just ended to where one signs in."""
        answer = see_other(request, "/sign-in")
        self.forget_session(answer)
        return answer

    def hand_over(self, asked: Asked, path: str, secret: str) -> Response:
        """Send a browser to a page of this workspace that shows it a secret, once.

        Had the form been answered with it, loading that answer again would show it again.
        """
        answer = see_other(asked.request, asked.path(path))
        sealed = self.signing.seal(_once(asked), secret)
        self.cookies.set(answer, ONCE, sealed, FLASH_SECONDS)
        return answer

    def handed_over(self, asked: Asked) -> str | None:
        """Return the secret that a page is to show and then to forget, if there is one."""
        return self.signing.unseal(
            _once(asked), self.cookies.get(asked.request, ONCE), FLASH_SECONDS
        )

    def _page(self, request: Request, template: str, status: int, **values: Any) -> HTMLResponse:
        flash = self.signing.read(FLASH, self.cookies.get(request, FLASH), FLASH_SECONDS)
        page = self.rendering.page(
            template,
            status=status,
            flash=flash,
            here=request.url.path,
            sandbox=bool(self.settings.sandbox_url),
            **values,
        )
        if self.cookies.get(request, FLASH):
            self.cookies.forget(page, FLASH)
        return page


async def _member(request: Request, workspace_id: str) -> Asked:
    desk: Desk = request.app.state.desk
    if request.method == "GET":
        wait_for_pages()
    request.state.asked = asked = await desk.asked(request, workspace_id)
    return asked


Member = Annotated[Asked, Depends(_member)]
"""Whoever asks, of a route below `/w/{workspace_id}` that only members of it may see."""


def _who_may(role: Role) -> Callable[[Asked], Awaitable[Asked]]:
    async def let_in(asked: Member) -> Asked:
        """Let those in who have the role; raises ForbiddenError for others."""
        if not asked.visitor.may(role):
            raise ForbiddenError(NAME, Problem(403, "about:blank", f"That takes an {role}."))
        return asked

    return let_in


Operator = Annotated[Asked, Depends(_who_may(Role.OPERATOR))]
"""Whoever asks for a page of what only operators may do: others are told before they begin."""
Admin = Annotated[Asked, Depends(_who_may(Role.ADMIN))]
"""The same, of what only admins may do."""


def sign_in_path(request: Request) -> str:
    """Return where to sign in, and to come back from."""
    wanted = here(request) if request.method == "GET" else page_before(request)
    if wanted == "/":
        return "/sign-in"
    return f"/sign-in?return_to={quote(wanted, safe='/')}"


def here(request: Request) -> str:
    """Return the address that was asked for, below ours."""
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def _once(asked: Asked) -> str:
    """Return the purpose of what is shown once: to this session, in this workspace."""
    return f"{ONCE}.{asked.workspace_id}.{_fingerprint(asked.visitor.session)}"


def _fingerprint(session: SecretStr) -> str:
    """Return what tells sessions apart, without being one."""
    return hashlib.sha256(session.get_secret_value().encode()).hexdigest()[:32]
