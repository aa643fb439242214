"""Text of others is made short and visible, and nothing is lost without a word."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.slack.parts import shortened
from contracts.slack.untrusted import body, clean, crop, cut, line, size


@given(st.text(max_size=400), st.integers(60, 300))
def test_a_cut_text_fits_and_counts_what_is_gone(text: str, chars_max: int) -> None:
    """The head and the tail are those of the text, and the number is the rest of it."""
    told = cut(text, chars_max)
    assert size(told) <= chars_max
    found = re.search(r"\s… (\d+) characters left out …\s", told)
    if size(text) <= chars_max:
        assert told == text
        return
    assert found
    head, tail = told[: found.start()], told[found.end() :]
    assert text.startswith(head)
    assert text.endswith(tail)
    assert size(text) - size(head) - size(tail) == int(found[1])


def test_a_log_keeps_its_first_and_its_last_lines() -> None:
    """The beginning says what ran, the end says why it died."""
    told = body("\n".join(f"line {n}" for n in range(500)), 200)
    assert told.startswith("line 0\n")
    assert told.endswith("line 499")
    assert re.search(r"\n… \d+ characters left out …\n", told)


def test_a_short_room_ends_in_an_ellipsis() -> None:
    """Where no number fits, the cut is still seen."""
    assert cut("a rather long title", 10) == "a rather …"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u202eb\u2066c\u200bd\ufeffe\u00adf", "abcdef"),
        ("a\x00b\x1b[31mc\x7f", "ab[31mc"),
        ("a\x00é\x1b", "aé"),
        ("one\r\ntwo\rthree\u2028four", "one\ntwo\nthree\nfour"),
        ("e" + "\u0301" * 9, "e\u0301\u0301"),
        ("a\u3164b", "a b"),
        ("a\ud800é", "aé"),
        ("tab\tbed", "tab    bed"),
        ("Größe 漢字 ✓", "Größe 漢字 ✓"),
    ],
)
def test_what_cannot_be_seen_or_moves_others_is_gone(text: str, shown: str) -> None:
    """What is left is what a reader sees, in the order in which it is read."""
    assert clean(text) == shown


def test_letters_from_right_to_left_keep_to_themselves() -> None:
    """An isolate around them keeps the words beside them in their order."""
    told = line("שלום 12", 80)
    assert (told[0], told[-1]) == ("\u2068", "\u2069")
    assert line("hello 12", 80) == "hello 12"
    assert size(line("ש" * 500, 80)) <= 80


def test_a_second_cut_claims_no_number() -> None:
    """A number of characters of a text that was cut before would not be true."""
    assert crop("x" * 500, 80).count("the middle is left out") == 1
    blocks = {"text": "y" * 500, "value": "z" * 500, "elements": [{"text": "y" * 500}]}
    short = shortened(blocks, 100)
    assert size(short["text"]) <= 100
    assert size(short["elements"][0]["text"]) <= 100
    assert short["value"] == blocks["value"]
