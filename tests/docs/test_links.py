"""Every link leads somewhere in a plain file viewer, and every page is led to."""

import re
from pathlib import Path

import pytest

from docs.pages import DOCS, PAGES, prose_of, shown

_LINK = re.compile(r"\]\(([^)\s]*)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def anchor(heading: str) -> str:
    """The fragment under which a heading is reached."""
    kept = re.sub(r"[^\w\s-]", "", heading.lower())
    return re.sub(r"\s", "-", kept.strip())


def links_of(page: Path) -> list[str]:
    """Where the links of a page lead, outside code."""
    return _LINK.findall(prose_of(page))


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    """To a file that is there, and to a heading that it has."""
    dead = []
    for link in links_of(page):
        place, _, fragment = link.partition("#")
        if "://" in link or link.startswith("mailto:"):
            continue
        target = (page.parent / place).resolve() if place else page
        headings = _HEADING.findall(target.read_text()) if fragment and target.is_file() else []
        if not target.exists() or (fragment and fragment not in map(anchor, headings)):
            dead.append(link)
    assert dead == []


def test_every_page_is_reached_from_the_index() -> None:
    """Through the indexes of folders only: a page that no list leads to is not found."""
    waiting, seen = [DOCS / "index.md"], set()
    while waiting:
        page = waiting.pop()
        seen.add(page)
        if page.name == "index.md":
            linked = {(page.parent / link).resolve() for link in links_of(page)}
            waiting += [found for found in linked - seen if found.suffix == ".md"]
    assert {page for page in PAGES if page.is_relative_to(DOCS)} - seen == set()
