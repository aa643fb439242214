"""What is typed after `/toil` is read for sure, or refused with an example."""

import pytest

from contracts.errors import InvalidInput
from contracts.toil_text import SECONDS_MAX, TEXT_CHARS_MAX, ToilText, parse_toil

SERVICES = ("user-auth", "cart")


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [
        ("25m", 1500),
        ("25 min", 1500),
        ("25M", 1500),
        ("1 minute", 60),
        ("90s", 90),
        ("2 hours", 7200),
        ("1h30m", 5400),
        ("1 h 30 min", 5400),
        ("12h", SECONDS_MAX),
    ],
)
def test_a_duration_is_read_as_people_write_it(typed: str, seconds: int) -> None:
    """The rest of the line is what was done."""
    assert parse_toil(f"  {typed}  restarted 3 pods ", SERVICES) == ToilText(
        "log", seconds, "restarted 3 pods"
    )


@pytest.mark.parametrize(
    ("typed", "text", "service"),
    [
        ("25m restarted it @cart", "restarted it", "cart"),
        ("25m asked @ben about it @user-auth ", "asked @ben about it", "user-auth"),
        ("25m answered ana@example.com", "answered ana@example.com", ""),
        ("25m 2 min outage of cart", "2 min outage of cart", ""),
        ("25m 3 hosts were full", "3 hosts were full", ""),
    ],
)
def test_the_service_is_the_last_word_with_an_at_sign(typed: str, text: str, service: str) -> None:
    """Whatever else in the line looks like one, or like more time, is text."""
    assert parse_toil(typed, SERVICES) == ToilText("log", 1500, text, service)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("start drain the node @cart", ToilText("start", 0, "drain the node", "cart")),
        ("START\tdrain", ToilText("start", 0, "drain")),
        ("stop", ToilText("stop")),
        (" Me ", ToilText("me")),
    ],
)
def test_the_stopwatch_and_ones_own_week_have_a_word(typed: str, meant: ToilText) -> None:
    """In any case of letters."""
    assert parse_toil(typed, SERVICES) == meant


@pytest.mark.parametrize(
    ("typed", "message", "fix"),
    [
        ("", "what you did is missing", "25m"),
        ("25", "no unit", "25m for minutes"),
        ("25 restarted cart", "no unit", "25m for minutes"),
        ("25 s3 buckets", "no unit", "25m for minutes"),
        ("restarted cart", "'restarted' is not a duration", "25m"),
        ("1.5h restarted", "'1.5h' is not a duration", "25m"),
        ("-5m restarted", "'-5m' is not a duration", "25m"),
        ("30m1h restarted", "'30m1h' is not a duration", "25m"),
        ("\u0662\u0665m restarted", "is not a duration", "25m"),
        ("0m nothing", "no time at all", "25m"),
        ("12h1s restarted", "12 h is too long", "at most 12 h"),
        ("25m", "what you did is missing", "25m"),
        ("25m @cart", "what you did is missing", "25m"),
        ("start", "what you did is missing", "start"),
        ("stop it", "'stop' takes nothing else", "`stop` alone"),
        ("25m did it @carts", "there is no service 'carts'", "cart and user-auth"),
        (f"25m {'x' * (TEXT_CHARS_MAX + 1)}", "the text is too long", str(TEXT_CHARS_MAX)),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_write(
    typed: str, message: str, fix: str
) -> None:
    """A guess would stand in the ledger."""
    with pytest.raises(InvalidInput) as refused:
        parse_toil(typed, SERVICES)
    assert message in refused.value.message
    assert fix in refused.value.fix


def test_without_services_the_refusal_says_where_they_are_named() -> None:
    """An empty list would help nobody."""
    with pytest.raises(InvalidInput) as refused:
        parse_toil("25m did it @cart", ())
    assert "[[services]]" in refused.value.fix
