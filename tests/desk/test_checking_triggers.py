"""Whether an alert can start a runbook, and whether one alert can start two of them."""

import re
import time
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import runbooks
from contracts.matching import Trigger, parse_matcher
from workflows.authoring.checks.expressions import heads, machine_of, samples_of, tails, words_of
from workflows.authoring.checks.languages import Unknown
from workflows.authoring.checks.triggers import (
    Item,
    can_overlap,
    common_alert,
    faults_between,
    impossible,
)
from workflows.authoring.folders import load
from workflows.trigger import triggers_of

MANY = 200
SECONDS_MAX = 2.0
SHORT = ["".join(letters) for size in range(6) for letters in product("ab", repeat=size)]


def trigger(*matchers: str, weight: int = 0) -> Trigger:
    """All of `matchers`, as people write them."""
    return Trigger(matchers=tuple(map(parse_matcher, matchers)), weight=weight)


def item(name: str, *triggers: Trigger, line: int = 0) -> Item:
    """A runbook of that name in a file of that name."""
    return Item(name, Path(f"{name}.py"), line, triggers)


@pytest.mark.parametrize(
    ("matchers", "told"),
    [
        (('severity="page"', 'severity="critical"'), 'severity="page" and severity="critical"'),
        (('alertname="X"', 'alertname=~"Y.+"'), 'alertname="X" and alertname=~"Y.+"'),
        (('alertname=""',), "every alert has a name"),
        (('alertname!~".+"',), "every alert has a name"),
        (('team=""', 'team!=""'), "at once"),
        (('x=~"High.+"', 'x=~"Low.+"'), "at once"),
        (('x=~".+Errors"', 'x=~".+Latency"'), "at once"),
        (('x=~"[a-z]+"', 'x=~"[0-9]+"'), "at once"),
        (('x=~"a*"', 'x=~"b*"', 'x!=""'), "at once"),
        (('x=~"page|critical"', 'x!~"pa.*"', 'x!="critical"'), "at once"),
        (('x=~"(ab)+"', 'x!~".*b"'), "at once"),
        (('x=~"^(a|b)$"', 'x=~"[^ab]*"'), "at once"),
        (('x="a"', r'x=~"\bb.*"'), "at once"),
    ],
)
def test_a_trigger_that_no_alert_can_match_is_told(matchers: tuple[str, ...], told: str) -> None:
    """With the conditions that exclude each other."""
    assert told in (impossible(trigger(*matchers)) or "")


@pytest.mark.parametrize(
    "matchers",
    [
        ('severity="page"', 'team="a"'),
        ('team=""',),
        ('team!="a"', 'team!="b"'),
        ('alertname=~"High.+"', 'alertname=~".+Latency"', 'alertname!="HighLatency"'),
        (r'x=~"\ba.*"', 'x!=""'),
        (r'x=~"^a|b$"', 'x!="a"'),
        ('x=~"[[:alpha:]]+"', 'x!="a"'),
        ('x=~"(?i:ab)"', 'x!="ab"'),
        ('x=~"(?i)ab"', 'x!="ab"'),
        ('x=~"[a-z0-9]+-[a-z0-9]{8,10}-[a-z0-9]{5}"', 'x!~"web-.*"'),
        ('x=~".*a.{30}"', 'x=~".*b.{30}"'),
        ('x=~"' + "a?" * 120 + '"', 'x!="a"'),
        (r'x=~"[\w.\-]+"', 'x!=""'),
        ('x=~"ä+"', 'x!~"a.*"'),
    ],
)
def test_what_can_match_or_cannot_be_told_is_no_fault(matchers: tuple[str, ...]) -> None:
    """Lookaheads, backreferences and whatever is too large are nobody's fault."""
    assert impossible(trigger(*matchers)) is None


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        (('alertname="A"',), ('alertname="A"', 'severity="page"'), True),
        (('alertname="A"',), ('alertname="B"',), False),
        (('alertname="A"', 'severity="page"'), ('alertname="A"', 'severity!="page"'), False),
        (('alertname="A"', 'severity!="page"'), ('alertname="A"', 'severity!="critical"'), True),
        (('alertname=~"High.+"',), ('alertname=~".+Latency"',), True),
        (('alertname=~"High.+(Latency|Errors)"',), ('alertname=~"High.+Saturation"',), False),
        (('alertname="HighLatency"',), (r'alertname=~"\bHighL.+"',), True),
        (('alertname="HighErrors"',), (r'alertname=~"\bHighL.+"',), False),
        ((r'alertname=~"\bLowL.+"',), (r'alertname=~"\bHighL.+"',), False),
        (('team="a"',), ('severity="page"',), True),
        (('alertname=~"[a-m]+"',), ('alertname=~"[k-z]+"',), True),
        (('alertname=~"[a-m]+"',), ('alertname=~"[n-z]+"',), False),
    ],
)
def test_two_triggers_overlap_where_one_alert_matches_both(
    one: tuple[str, ...], other: tuple[str, ...], overlap: bool
) -> None:
    """Whichever is asked first; where nobody can tell, they do not."""
    assert can_overlap(trigger(*one), trigger(*other)) is overlap
    assert can_overlap(trigger(*other), trigger(*one)) is overlap


REGEXES = st.recursive(
    st.sampled_from(["a", "b", "[ab]", ".", "[^a]", "", "ab"]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"({two[0]}|{two[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{,2}", "{1,}", "+?"])).map(
            lambda two: f"({two[0]}){two[1]}"
        ),
        inner.map(lambda regex: f"(?:^{regex}$)" if len(regex) > 12 else f"^{regex}$"),
    ),
    max_leaves=5,
)
CONDITIONS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["=~", "!~"]), REGEXES),
        st.tuples(st.sampled_from(["=", "!="]), st.sampled_from(["", "a", "ab", "bb"])),
    ).map(lambda pair: parse_matcher(f'x{pair[0]}"{pair[1]}"')),
    min_size=1,
    max_size=3,
)


@given(CONDITIONS, CONDITIONS)
@settings(deadline=None, max_examples=300)
def test_the_answer_is_what_trying_every_short_text_gives(
    one: list[object], other: list[object]
) -> None:
    """An alert that both match is found; what is found does match."""
    first = Trigger.model_validate({"matchers": one})
    second = Trigger.model_validate({"matchers": other})
    shared = [x for x in SHORT if first.matches({"x": x}) and second.matches({"x": x})]
    try:
        found = common_alert((*first.matchers, *second.matchers))
    except Unknown:
        return

    assert found is not None or not shared
    assert found is None or (first.matches(found) and second.matches(found))
    assert can_overlap(first, second) is (found is not None)
    assert impossible(first) is None or not any(first.matches({"x": x}) for x in SHORT)


@given(REGEXES)
@settings(deadline=None)
def test_greenery_is_told_the_language_that_python_means(regex: str) -> None:
    """Short texts are in both or in neither; examples and ends are those of Python's matches."""
    pattern = re.compile(f"(?:{regex})", re.DOTALL)
    matches = [x for x in SHORT if pattern.fullmatch(x)]
    machine = machine_of(regex)

    assert machine is None or [x for x in SHORT if machine.accepts(x)] == matches
    assert all(pattern.fullmatch(text) for text in samples_of(regex))
    assert all(any(x.startswith(end.text) for end in heads(regex)) for x in matches)
    assert all(any(x[::-1].startswith(end.text) for end in tails(regex)) for x in matches)
    assert set(matches) <= set(words_of(regex) or matches)


@pytest.mark.parametrize(
    ("regex", "match", "miss"),
    [
        (r"[]a\-]+", "]-a", "b"),
        (r"[^]]", "a", "]"),
        (r"\x41{,2}", "AA", "AAA"),
        (r"web\-\d\.\w", "web-1.x", "web-x.1"),
        (r"[a^-]", "^", "b"),
        (r"^a.c$", "a\nc", "ac"),
        (r"(?P<name>a)(?:b)", "ab", "a"),
        (r"\s\$\^", " $^", "$^"),
    ],
)
def test_the_corners_of_pythons_syntax_keep_their_meaning(
    regex: str, match: str, miss: str
) -> None:
    """Classes with brackets, escapes that greenery does not know, bounds without a minimum."""
    machine = machine_of(regex)
    assert machine is not None
    assert machine.accepts(match)
    assert not machine.accepts(miss)


@pytest.mark.parametrize(
    "regex", [r"(?=a)a", r"(a)\1", r"\ba", "^a|b$", "a$b", r"\u0041", r"\07", "a++", "(?i)a"]
)
def test_what_greenery_cannot_say_is_not_said(regex: str) -> None:
    """A wrong language would be worse than none."""
    assert machine_of(regex) is None
    assert words_of(regex) is None


def test_a_name_that_stands_twice_is_told_with_the_other_file() -> None:
    """On the later one."""
    faults = faults_between([item("same"), Item("same", Path("other.py"), 9, ())])

    assert [(fault.path.name, fault.line) for fault in faults] == [("other.py", 9)]
    assert "'same' is taken by same.py" in faults[0].reason
    assert "@workflow.defn(name=" in faults[0].remedy


def test_two_runbooks_of_equal_weight_for_one_alert_are_told_with_its_labels() -> None:
    """Both names, the weight, an alert that both would take, and what to do."""
    one = item("one", trigger('alertname="High"', 'team!="a"', weight=5))
    two = item("two", trigger('severity=~"page|critical"', weight=5), line=7)

    (fault,) = faults_between([one, two])

    assert (fault.path.name, fault.line) == ("two.py", 7)
    assert "'two' and 'one' both start, with equal weight 5" in fault.reason
    assert '{alertname="High", severity="page"}' in fault.reason
    assert "weight=15" in fault.remedy


def test_another_weight_or_another_alert_is_no_fault() -> None:
    """Nor are two triggers of one runbook."""
    both = item("both", trigger('alertname="A"'), trigger('alertname=~"A|B"'))
    heavier = item("heavier", trigger('alertname="A"', weight=1))
    elsewhere = item("elsewhere", trigger('alertname="C"'))

    assert faults_between([both, heavier, elsewhere]) == []


def test_an_alert_that_a_heavier_trigger_decides_is_not_in_question() -> None:
    """Also when the heavier trigger is of one of the two, or of a third runbook."""
    own = item("own", trigger('alertname="A"', weight=9), trigger('alertname=~"A.*"'))
    other = item("other", trigger('alertname="A"'))
    third = item("third", trigger('alertname=~"A|B"', weight=9))
    narrow = item("narrow", trigger('alertname="B"'))
    also = item("also", trigger('alertname="B"'))

    assert faults_between([own, other]) == []
    assert faults_between([third, narrow, also]) == []
    assert len(faults_between([narrow, also])) == 1


def test_an_alert_beside_the_heavier_trigger_is_found() -> None:
    """The first example may be decided by it; the next one is not."""
    heavier = item("heavier", trigger('alertname="x"', weight=9), trigger('team="a"', weight=9))
    one = item("one", trigger('alertname=~"x|y"'))
    two = item("two", trigger('alertname=~".+"'))

    (fault,) = faults_between([heavier, one, two])

    assert 'alertname="y"' in fault.reason


def test_the_runbooks_that_ship_do_not_meet() -> None:
    """Nor is any of them never started."""
    found = load(runbooks).runbooks
    items = [Item(f.name, f.path, 0, triggers_of(f.runbook)) for f in found]

    assert faults_between(items) == []
    assert [impossible(t) for each in items for t in each.triggers if impossible(t)] == []


@pytest.mark.parametrize(
    "matchers",
    [
        ('alertname="Alert{0}"',),
        ('alertname=~"Team{0}_.+"', 'severity="critical"'),
        ('alertname=~".+Service{0:03}"',),
        ('alertname=~"High.+{0:03}(Latency|ErrorRate)"', 'severity=~"page|critical"'),
        ('alertname=~"[a-z]+{0}x[0-9]+"',),
    ],
)
def test_two_hundred_runbooks_are_compared_in_a_moment(matchers: tuple[str, ...]) -> None:
    """Each with each; what must be searched is searched for a few of them."""
    items = [
        item(f"n{n}", trigger(*(matcher.format(n) for matcher in matchers))) for n in range(MANY)
    ]
    begin = time.process_time()

    assert faults_between(items) == []
    assert time.process_time() - begin < SECONDS_MAX
