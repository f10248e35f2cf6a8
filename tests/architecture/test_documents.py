"""The documents: links lead somewhere, files they name exist, decisions are in order."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
DECISIONS = ROOT / "docs" / "decisions"
LINK = re.compile(r"]\(([^)\s]+)\)")
NAMED_TEST = re.compile(r"`(test_\w+\.py)::(test_\w+)`")
NAMED_FILE = re.compile(r"`([\w./-]+\.py)`")


def ours(pattern: str) -> list[Path]:
    """Return the repository's files of a kind; tools make folders with a dot, and node_modules."""
    folders = [each for each in ROOT.iterdir() if each.is_dir() and not each.name.startswith(".")]
    found = [*ROOT.glob(pattern), *(each for one in folders for each in one.rglob(pattern))]
    return sorted(each for each in found if "node_modules" not in each.parts)


def decisions() -> list[Path]:
    """Return the pages on decisions by number."""
    return sorted(each for each in DECISIONS.glob("*.md") if each.name != "README.md")


@cache
def code_files() -> tuple[str, ...]:
    """Return the path of every Python file, with a slash before it."""
    return tuple(f"/{each.relative_to(ROOT).as_posix()}" for each in ours("*.py"))


@cache
def stories_in(file: str) -> frozenset[str]:
    """Return the names of the tests in all files of a name."""
    found = [ROOT / each.lstrip("/") for each in code_files() if each.endswith(f"/{file}")]
    tests = (
        re.findall(r"^(?:async )?def (test_\w+)", each.read_text("utf-8"), re.M) for each in found
    )
    return frozenset(name for names in tests for name in names)


def prose(page: Path) -> str:
    """Return a page without its blocks of code."""
    return re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Return what GitHub lets a link to a heading of this page end with."""
    headings = re.findall(r"^#+ (.+)$", prose(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


def broken_links(page: Path) -> Iterator[str]:
    for link in LINK.findall(prose(page)):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            yield link


@pytest.mark.parametrize("page", ours("*.md"), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    assert not [*broken_links(page)]


@pytest.mark.parametrize("page", ours("*.md"), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    named = set(NAMED_FILE.findall(prose(page)))
    missing = {each for each in named if not [f for f in code_files() if f.endswith(f"/{each}")]}
    assert not missing


@pytest.mark.parametrize("page", ours("*.md"), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_test_that_a_page_names_exists(page: Path) -> None:
    named = set(NAMED_TEST.findall(prose(page)))
    assert not {each for each in named if each[1] not in stories_in(each[0])}


def test_decisions_are_numbered_through_and_listed() -> None:
    listed = []
    for number, page in enumerate(decisions(), start=1):
        title = page.read_text("utf-8").splitlines()[0].removeprefix(f"# {number}. ")
        assert page.name.startswith(f"{number:04d}-")
        assert not title.startswith("#"), page.name
        listed.append(f"| {number} | [{title}]({page.name}) |")
    index = (DECISIONS / "README.md").read_text("utf-8").splitlines()
    rows = [line for line in index if re.match(r"\| \d", line)]
    assert len(rows) == len(listed)
    assert not [row for row, start in zip(rows, listed, strict=True) if not row.startswith(start)]


@pytest.mark.parametrize("page", decisions(), ids=lambda page: page.stem)
def test_a_decision_says_whether_it_stands_since_when_why_and_what_follows(page: Path) -> None:
    _, blank, status, date, *_ = page.read_text("utf-8").splitlines()
    assert not blank
    assert re.match(r"- Status: (accepted|replaced)", status)
    assert re.fullmatch(r"- Date: \d{4}-\d\d-\d\d", date)
    parts = re.findall(r"^\*\*(\w+)\.\*\*", page.read_text("utf-8"), flags=re.MULTILINE)
    assert parts == ["Context", "Decision", "Consequences"]
