"""Matchers mean what they mean in Alertmanager; a trigger is all of its matchers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.matching import Matcher, Operator, Trigger, parse_matcher

LABELS = {"alertname": "HighUserAuthLatency", "severity": "critical"}


@pytest.mark.parametrize(
    ("text", "label", "op", "value"),
    [
        ('severity="page"', "severity", "=", "page"),
        ("severity=page", "severity", "=", "page"),
        (' severity != "page" ', "severity", "!=", "page"),
        ('alertname=~"High.+"', "alertname", "=~", "High.+"),
        ('team!~"a|b"', "team", "!~", "a|b"),
        ('text="a=b"', "text", "=", "a=b"),
        ('text=""', "text", "=", ""),
        ('text="two words"', "text", "=", "two words"),
    ],
)
def test_a_matcher_is_read(text: str, label: str, op: Operator, value: str) -> None:
    """The four operators, quoted or not, with space around them."""
    assert parse_matcher(text) == Matcher(label=label, op=op, value=value)


@pytest.mark.parametrize("text", ["severity", '="page"', "", "severity>5", 'a b="c"'])
def test_what_is_no_matcher_is_refused_with_the_syntax(text: str) -> None:
    """The refusal shows what was written and what to write."""
    with pytest.raises(ValueError, match=r"is not a matcher; write label, one of = != =~ !~"):
        parse_matcher(text)


@pytest.mark.parametrize("op", ["=~", "!~"])
def test_a_regular_expression_that_does_not_compile_is_refused_when_it_is_read(op: str) -> None:
    """Not at three in the morning, when the first alert is compared with it."""
    with pytest.raises(ValidationError, match="not a regular expression"):
        parse_matcher(f'alertname{op}"High("')


def test_a_broken_expression_is_fine_where_it_is_only_text() -> None:
    """`=` compares text, so a bracket is a bracket."""
    assert parse_matcher('alertname="High("').matches({"alertname": "High("})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('severity="critical"', True),
        ('severity="crit"', False),
        ('severity!="critical"', False),
        ('severity!="page"', True),
        ('alertname=~"High.+(Latency|ErrorRate)"', True),
        ('alertname=~"High"', False),
        ('alertname=~"Latency"', False),
        ('alertname=~"High|.*Latency"', True),
        ('alertname!~"High"', True),
        ('alertname!~"High.*"', False),
        ('severity=~"Critical"', False),
    ],
)
def test_a_matcher_compares_the_whole_value(text: str, *, expected: bool) -> None:
    """Regular expressions are anchored at both ends, each alternative too; case counts."""
    assert parse_matcher(text).matches(LABELS) is expected


def test_an_alternative_is_anchored_as_a_whole() -> None:
    """`a|b` is neither `^a` nor `b$`."""
    matcher = parse_matcher('service=~"shop|auth"')
    assert [matcher.matches({"service": s}) for s in ("shop", "auth", "shopping", "oauth")] == [
        True,
        True,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('team=""', True),
        ('team!=""', False),
        ('team="web"', False),
        ('team!="web"', True),
        ('team=~".*"', True),
        ('team=~".+"', False),
        ('team!~".+"', True),
    ],
)
def test_a_missing_label_equals_the_empty_text(text: str, *, expected: bool) -> None:
    """As in Alertmanager: `team!="web"` also holds for an alert without a team."""
    assert parse_matcher(text).matches(LABELS) is expected
    assert parse_matcher(text).matches(LABELS | {"team": ""}) is expected


def test_a_dot_matches_a_line_break() -> None:
    """Descriptions have several lines, and `.*` means all of them."""
    assert parse_matcher('summary=~"up.*down"').matches({"summary": "up\nand\ndown"})


@given(label=st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]*", fullmatch=True), value=st.text())
def test_the_text_of_a_matcher_reads_back_to_it(label: str, value: str) -> None:
    """Policy files, messages and history show matchers as text."""
    matcher = Matcher(label=label, op="=", value=value)
    assert parse_matcher(str(matcher)) == matcher


def test_a_trigger_needs_every_matcher_and_names_the_first_that_fails() -> None:
    """An author whose runbook did not start is told which condition it was."""
    trigger = Trigger(
        matchers=(parse_matcher('severity="critical"'), parse_matcher('service="user-auth"'))
    )
    assert not trigger.matches(LABELS)
    assert str(trigger.first_miss(LABELS)) == 'service="user-auth"'
    assert trigger.matches(LABELS | {"service": "user-auth"})
    assert trigger.first_miss(LABELS | {"service": "user-auth"}) is None


def test_an_empty_trigger_is_refused() -> None:
    """It would start a runbook for every alert there is."""
    with pytest.raises(ValidationError, match="needs at least one matcher"):
        Trigger(matchers=())


def test_leading_flags_mean_what_they_mean_to_alertmanager() -> None:
    """`(?i)` is common in rules."""
    matcher = parse_matcher('alertname=~"(?i)high.+|slow"')
    assert matcher.matches({"alertname": "HIGHLATENCY"})
    assert matcher.matches({"alertname": "Slow"})
    assert not matcher.matches({"alertname": "Slower"})


def test_what_alertmanager_refuses_is_refused_here() -> None:
    """A look-ahead would mean something in Python, and nothing to the sender of alerts."""
    for text in ("a(?=b)", r"(a)\\1", "(a"):
        with pytest.raises(ValueError, match="not a regular expression"):
            parse_matcher(f'alertname=~"{text}"')


def test_no_label_takes_long_to_match() -> None:
    """Each further letter would double the time of an engine that tries everything."""
    matcher = parse_matcher('pod=~"(a+)+x"')
    assert not matcher.matches({"pod": "a" * 20_000})
