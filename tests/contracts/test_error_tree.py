"""The error tree: two branches, stable codes, and a word on what to do next."""

import re

import pytest

from contracts import errors
from contracts.errors import FirebreakError, Retry, Stop, error_named

TREE = sorted(
    (
        item
        for item in vars(errors).values()
        if isinstance(item, type) and issubclass(item, FirebreakError)
    ),
    key=lambda kind: kind.__name__,
)
LEAVES = [kind for kind in TREE if kind not in (FirebreakError, Stop, Retry)]


def test_the_docstring_draws_every_class_and_no_other() -> None:
    """Whoever reads the module's first lines knows the whole tree."""
    drawn = re.findall(r"^ {4}[│├└─ ]*([A-Z]\w+)", errors.__doc__ or "", re.MULTILINE)
    assert sorted(drawn) == [kind.__name__ for kind in TREE]


@pytest.mark.parametrize("kind", LEAVES)
def test_an_error_either_stops_or_is_tried_again(kind: type[FirebreakError]) -> None:
    """A handler looks at nothing but the branch."""
    assert issubclass(kind, Stop) is not issubclass(kind, Retry)


def test_every_code_is_its_own() -> None:
    """Machines tell errors by their code."""
    codes = [kind.code for kind in TREE]
    assert sorted(codes) == sorted(set(codes))


@pytest.mark.parametrize("kind", LEAVES)
def test_an_error_says_what_to_do_next(kind: type[FirebreakError]) -> None:
    """Its own sentence, not the one of the root."""
    assert kind.fix != FirebreakError.fix
    assert kind.fix.endswith(".")


@pytest.mark.parametrize("kind", TREE)
def test_an_error_is_rebuilt_by_name(kind: type[FirebreakError]) -> None:
    """It crosses process boundaries as a name, a text and a fix."""
    assert error_named(kind.__name__) is kind


@pytest.mark.parametrize("name", ["", "ValueError", "stop", "FirebreakError "])
def test_a_foreign_name_is_no_error_of_ours(name: str) -> None:
    """What we do not know is not dressed up as ours."""
    assert error_named(name) is None


def test_a_fix_of_the_moment_replaces_the_general_one() -> None:
    """And only for that one error."""
    special = errors.Refused("not now", "Wait until noon.")
    assert (special.fix, str(special)) == ("Wait until noon.", "not now")
    assert errors.Refused("not now").fix == errors.Refused.fix != "Wait until noon."
