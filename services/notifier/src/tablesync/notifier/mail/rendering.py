"""Templates become text and HTML; names from outside are escaped and kept to one line."""

from collections.abc import Callable
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from tablesync.contracts import Gap
from tablesync.contracts.wording import isolated, moment, one_line
from tablesync.notifier.mail import wording


class Templates:
    """The notifier's templates: `<name>.html.j2` and, for mails, `<name>.txt.j2`."""

    def __init__(self) -> None:
        self._html = _environment(autoescape=True, finalize=_one_line)
        self._text = _environment(autoescape=False, finalize=_isolated)

    def html(self, name: str, **facts: Any) -> str:
        """Render a page or a mail's HTML part."""
        return self._html.get_template(f"{name}.html.j2").render(facts)

    def text(self, name: str, **facts: Any) -> str:
        """Render a mail's text part."""
        return self._text.get_template(f"{name}.txt.j2").render(facts).strip() + "\n"


def _environment(*, autoescape: bool, finalize: Callable[[object], object]) -> Environment:
    """Make an environment in which each value goes through `finalize` before it is printed."""
    environment = Environment(
        loader=PackageLoader("tablesync.notifier.mail"),
        autoescape=autoescape,  # noqa: S701 - plain text is not escaped
        finalize=finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        plain=wording.plain,
        moment=moment,
        counted=wording.counted,
        span=_span,
        missed=_missed,
        waits=wording.waits,
        ending=wording.ending,
    )
    environment.globals.update(shown_max=wording.SHOWN_MAX)
    return environment


def _one_line(value: object) -> object:
    """Clean a text of a page; markup, as of a block, is made of cleaned parts."""
    return one_line(value) if type(value) is str else value


def _isolated(value: object) -> object:
    return isolated(one_line(value)) if type(value) is str else value


def _span(gap: Gap) -> str:
    return wording.span(gap.from_, gap.to)


def _missed(gap: Gap) -> str:
    return wording.missed(gap.slots_missed, interrupted=gap.interrupted)
