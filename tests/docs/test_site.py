"""`make docs`: the pages become a site without a warning, and the site needs no other host."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs.pages import DOCS, PAGES, ROOT

BUILD_SECONDS_MAX = 120
_LOADED = re.compile(r"""<(?:script|img|link|iframe)[^>]*?(?:src|href)=["'](?:https?:)?//""")
_IMPORTED = re.compile(r"""(?:@import|url\()\s*["']?(?:https?:)?//""")


@pytest.fixture(name="site", scope="module")
def _site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site."""
    place = tmp_path_factory.mktemp("site")
    sphinx = Path(sys.executable).with_name("sphinx-build")
    done = subprocess.run(
        [sphinx, "-W", "--keep-going", "-n", "-d", place / "cache", DOCS, place / "html"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS_MAX,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return place / "html"


def test_every_page_is_in_the_site(site: Path) -> None:
    """Built without a warning: the fixture asserts it."""
    pages = [page.relative_to(DOCS) for page in PAGES if page.is_relative_to(DOCS)]
    assert len(pages) > 20
    assert [page for page in pages if not (site / page.with_suffix(".html")).is_file()] == []


def test_every_page_is_in_the_contents(site: Path) -> None:
    """The tables of contents are made from the links of the index pages."""
    start = (site / "index.html").read_text()
    assert [p.name for p in PAGES if p.is_relative_to(DOCS) and _address(p) not in start] == []


def _address(page: Path) -> str:
    place = str(page.relative_to(DOCS).with_suffix(".html"))
    return 'href="#"' if place == "index.html" else f'href="{place}"'


def test_the_site_loads_nothing_from_another_host(site: Path) -> None:
    """It works offline, and nobody learns who reads it."""
    asked = [p.name for p in site.rglob("*.html") if _LOADED.search(p.read_text())]
    styled = [p.name for p in site.rglob("*.css") if _IMPORTED.search(p.read_text())]
    assert asked + styled == []
