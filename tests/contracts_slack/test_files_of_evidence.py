"""The file beside a question is called after what is in it, and a sentence says what it is."""

import pytest

from contracts.message import Finding
from contracts.slack.evidence_file import NAME_CHARS_MAX, file_name, file_text
from tools.slack_story import asked

LOGS = Finding(title="Logs of 3 of 4 pods of deployment shop/user-auth", digest="sha256:1")


@pytest.mark.parametrize(
    ("title", "name"),
    [
        (LOGS.title, "logs-of-3-of-4-pods-of-deployment-shop-user-auth.txt"),
        ("12 events of deployment shop/web", "12-events-of-deployment-shop-web.txt"),
        ("../../etc/passwd", "etc-passwd.txt"),
        ("", "evidence.txt"),
        ("שלום", "evidence.txt"),
        ("x" * 500, f"{'x' * NAME_CHARS_MAX}.txt"),
    ],
)
def test_it_is_called_after_what_is_in_it(title: str, name: str) -> None:
    """In letters of ASCII, so that it is the same wherever it is saved."""
    assert file_name(Finding(title=title)) == name


def test_a_sentence_says_what_it_is_and_for_which_question() -> None:
    """It is the notification, too, which would otherwise be empty."""
    assert file_text(asked(), LOGS) == (
        "Logs of 3 of 4 pods of deployment shop/user-auth, in full, for the question: "
        "Roll deployment shop/user-auth back from revision 2 to 1."
    )


def test_nothing_in_the_sentence_is_more_than_text() -> None:
    """A title comes from a cluster; without one there are words all the same."""
    told = file_text(asked(), Finding(title="<!channel> *now* https://evil.example"))
    assert "<" not in told
    assert "*" not in told
    assert "://" not in told
    assert file_text(asked(), Finding(title="")).startswith("What was found, in full")
