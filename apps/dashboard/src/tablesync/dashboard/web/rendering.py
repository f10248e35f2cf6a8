"""Renders pages and parts of pages from the same templates."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from tablesync.contracts.wording import isolated, one_line, provider_label
from tablesync.dashboard.shown import badges, words
from tablesync.dashboard.shown import help as helping
from tablesync.dashboard.shown.icons import ICONS
from tablesync.dashboard.shown.times import span
from tablesync.dashboard.shown.versions import version_of
from tablesync.dashboard.shown.workspace import incidents, people
from tablesync.dashboard.web.silences import is_silent

PARTIAL = '<hx-partial hx-target="#{id}" hx-swap="{swap}">{content}</hx-partial>'


def _just_now(_: str) -> datetime:
    return datetime.now(UTC)


class Rendering:
    """All templates; a name from outside stays in its place, whatever it is made of."""

    def __init__(
        self, static_version: str, silent_since: Callable[[str], datetime] = _just_now
    ) -> None:
        self._templates = Environment(
            loader=PackageLoader("tablesync.dashboard"),
            autoescape=True,
            finalize=_in_place,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(number=words.number, span=span, listed=words.listed)
        self._templates.filters.update(figures=words.figures)
        self._templates.filters.update(role=people.role, device=people.device)
        self._templates.filters.update(initials=people.initials, provider=provider_label)
        self._templates.filters.update(mail_kind=incidents.mail_kind, mail_fate=incidents.mail_fate)
        self._templates.filters.update(with_selected=with_selected)
        self._templates.tests.update(silent=is_silent)
        self._templates.globals.update(
            counted=words.counted,
            icons=ICONS,
            sign_in_under_way=badges.SIGN_IN_UNDER_WAY,
            role_names=people.ROLES,
            static_version=static_version,
            silent_since=silent_since,
            shown_version=version_of,
            sync_states=badges.SYNC_STATES,
            help_of_card=helping.of_card,
            help_of_incident=helping.of_incident,
            help_of_run=helping.of_run,
            help_of_sync=helping.of_sync,
        )

    def page(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """Return a page."""
        return HTMLResponse(self.text(template, **values), status)

    def text(self, template: str, **values: Any) -> str:
        """Return what a template becomes."""
        return self._templates.get_template(template).render(**values)

    def part(self, macro_of: str, macro: str, *values: Any, **named: Any) -> str:
        """Return what one macro of a template becomes: a part that is on a page already."""
        module = self._templates.get_template(macro_of).make_module({})
        return str(getattr(module, macro)(*values, **named))


def partial(id_: str, content: str, swap: str = "outerMorph") -> str:
    """Wrap a part so that htmx puts it in the place of the one with this id."""
    return PARTIAL.format(id=id_, swap=swap, content=content)


def _in_place(value: object) -> object:
    """Return a text that turns nothing around it; markup is made of such parts."""
    return isolated(one_line(value)) if type(value) is str else value


def with_selected(options: Markup, value: str) -> Markup:
    """Return options of a choice, written once for many of them, with one of them selected."""
    found = Markup('<option value="{}">').format(value)
    return options.replace(found, Markup('<option value="{}" selected>').format(value), 1)


def attributes(given: Mapping[str, str]) -> Markup:
    """Return attributes of an element, escaped."""
    return Markup(" ").join(Markup('{}="{}"').format(name, value) for name, value in given.items())
