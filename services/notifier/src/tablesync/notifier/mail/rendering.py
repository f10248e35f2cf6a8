"""Templates become text and HTML; names from outside are escaped and kept to one line."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from tablesync.contracts import Gap
from tablesync.contracts.wording import moment
from tablesync.notifier.mail import wording


class Templates:
    """The notifier's templates: `<name>.html.j2` and, for mails, `<name>.txt.j2`."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=PackageLoader("tablesync.notifier.mail"),
            autoescape=select_autoescape(["html.j2"]),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(
            plain=wording.plain,
            moment=moment,
            counted=wording.counted,
            span=_span,
            missed=_missed,
            waits=wording.waits,
            ending=wording.ending,
        )
        self._environment.globals.update(shown_max=wording.SHOWN_MAX)

    def html(self, name: str, **facts: Any) -> str:
        """Render a page or a mail's HTML part."""
        return self._environment.get_template(f"{name}.html.j2").render(facts)

    def text(self, name: str, **facts: Any) -> str:
        """Render a mail's text part."""
        return self._environment.get_template(f"{name}.txt.j2").render(facts).strip() + "\n"


def _span(gap: Gap) -> str:
    return wording.span(gap.from_, gap.to)


def _missed(gap: Gap) -> str:
    return wording.missed(gap.slots_missed, interrupted=gap.interrupted)
