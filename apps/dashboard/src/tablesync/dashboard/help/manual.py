"""Reads the pages of the help, each once."""

import posixpath
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from importlib.resources.abc import Traversable

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup
from tablesync.dashboard.shown.help import ROOT

INDEX = "index"
SUFFIX = ".md"
HEADING = "# "


@dataclass(frozen=True)
class HelpPage:
    """A page by its name, such as `causes/grant-revoked`; its first line is its title."""

    name: str
    text: str

    @property
    def title(self) -> str:
        """What it is about."""
        return self.text.partition("\n")[0].removeprefix(HEADING)

    @cached_property
    def html(self) -> Markup:
        """All below its title. The text is ours: markup in it is shown as it is written."""
        markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
        tokens = markdown.parse(self.text.partition("\n")[2])
        self._lead(tokens)
        rendered: str = markdown.renderer.render(tokens, markdown.options, {})
        return Markup(rendered)  # noqa: S704 - see above

    def _lead(self, tokens: Sequence[Token]) -> None:
        """Have links between files lead to the pages that are made of them."""
        for each in tokens:
            target = str(each.attrs.get("href", ""))
            if each.type == "link_open" and target.endswith(SUFFIX):
                file = posixpath.normpath(posixpath.join(posixpath.dirname(self.name), target))
                each.attrs["href"] = f"{ROOT}/{file.removesuffix(SUFFIX)}"
            self._lead(each.children or ())


class Manual:
    """All pages by name: nothing that is asked for becomes part of a path."""

    def __init__(self) -> None:
        found = _pages(files("tablesync.dashboard.help"), "")
        self._pages = {each.name: each for each in found}

    @property
    def names(self) -> list[str]:
        """What there is, in order."""
        return sorted(self._pages)

    def page(self, name: str) -> HelpPage | None:
        """Return a page, if there is such a one."""
        return self._pages.get(name)


def _pages(folder: Traversable, within: str) -> Iterator[HelpPage]:
    for each in folder.iterdir():
        if each.is_dir():
            yield from _pages(each, f"{within}{each.name}/")
        elif each.name.endswith(SUFFIX):
            yield HelpPage(within + each.name.removesuffix(SUFFIX), each.read_text("utf-8"))
