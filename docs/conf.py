"""How `make docs` builds the site. Every page is plain Markdown that reads well without it.

An index page carries no table of contents of its own: the pages it links to, in its order, are the
table. Nothing here may load a font, a script or an inventory from another host.
"""

# ruff: noqa: INP001 - the folder holds pages; it is no package, and must not become one.

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from sphinx.application import Sphinx

DOCS = Path(__file__).parent
_PROJECT = tomllib.loads((DOCS.parent / "pyproject.toml").read_text())["project"]
_LINK = re.compile(r"\]\((?P<page>[\w-]+|[\w-]+/index)\.md\)")

project = "Firebreak"
author = "the Firebreak contributors"
project_copyright = f"2026, {author}"
version = release = _PROJECT["version"]

extensions = ["myst_parser"]
exclude_patterns = ["_build"]
nitpicky = True
# Two hyphens are an option of the command line, not a dash.
smartquotes = False
myst_heading_anchors = 4

html_theme = "furo"
html_title = f"Firebreak {version}"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False


def contents_of(text: str) -> Iterator[str]:
    """The pages that an index page lists: those beside it, and the indexes of folders below."""
    yield from dict.fromkeys(found["page"] for found in _LINK.finditer(text))


def add_contents(_app: Sphinx, page: str, source: list[str]) -> None:
    """Append a table of contents to an index page; the reader of the plain file sees links only."""
    if page.rpartition("/")[2] == "index":
        rows = "\n".join(contents_of(source[0]))
        source[0] += f"\n```{{toctree}}\n:hidden:\n\n{rows}\n```\n"


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("source-read", add_contents)
