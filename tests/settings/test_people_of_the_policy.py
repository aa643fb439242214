"""The policy says who may approve and who is called; nothing of it is silently not in force."""

from collections.abc import Callable

import pytest

from contracts.errors import InvalidInput
from contracts.policy import Policy

ANA = '[[people]]\nid = "ana"\nname = "Ana"\n'
BEN = '[[people]]\nid = "ben"\nname = "Ben"\n'
PRIMARY = "[[oncall]]\nname = 'primary'\nkind = 'static'\npeople = ['ana']\n"
WEB = "[[services]]\nname = 'web'\nmatchers = ['a=\"b\"']\napprovers = "

Read = Callable[[str], Policy]


def test_approvers_may_be_people_and_groups(read: Read) -> None:
    """Of the file, or of Slack by the group's id."""
    policy = read(ANA + PRIMARY + WEB + "['ana', 'oncall:primary', 'usergroup:S0123']")
    assert policy.approver_groups("web") == ("oncall:primary", "usergroup:S0123")


def test_every_group_is_known_by_its_name_once(read: Read) -> None:
    """Schedules that nobody approves by are read too, so that they are known to be readable."""
    policy = read(
        ANA + PRIMARY + WEB + "['usergroup:S1AB']\n[slack]\npages = ['usergroup:S2AB', 'ana']"
    )
    assert policy.groups() == ("oncall:primary", "usergroup:S2AB", "usergroup:S1AB")
    assert read(ANA + WEB + "['ana']").groups() == ()


@pytest.mark.parametrize(
    ("needed", "text", "words"),
    [
        (3, ANA + BEN + WEB + "['ana', 'ben']", "only ana and ben may approve; name more people"),
        (2, ANA + WEB + "['ana']", r"services\.web\.approvers: limits\.approvals_needed is 2"),
        (2, ANA + PRIMARY + WEB + "['ana', 'oncall:primary']", "only ana may approve"),
        (2, ANA + "roles = ['manager']\n" + WEB + "[]", "nobody may approve"),
    ],
)
def test_more_who_must_agree_than_may_is_a_fault(
    read: Read, needed: int, text: str, words: str
) -> None:
    """Every question about that service would be refused, and that at night."""
    limits = f"[limits]\napprovals_needed = {needed}\n"
    with pytest.raises(InvalidInput, match=words):
        read(limits + text)


def test_enough_who_may_agree_is_no_fault(read: Read) -> None:
    """Nor is a group that only the world outside the file knows."""
    two = "[limits]\napprovals_needed = 2\n"
    assert read(two + ANA + BEN + WEB + "['ana', 'ben']")
    assert read(two + ANA + BEN + PRIMARY + WEB + "['ben', 'oncall:primary']")
    assert read(two + ANA + WEB + "['ana', 'usergroup:S0123']")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (WEB + "['anna']", r"services\.web\.approvers: there is no person 'anna'; write ana"),
        (WEB + "['zoe']", r"there is no person 'zoe'; add it under \[\[people\]\]"),
        (WEB + "['primary']", r"there is no person 'primary'; write oncall:primary"),
        (WEB + "['oncall:primry']", r"no schedule 'oncall:primry'; write oncall:primary"),
        (WEB + "['on-call:primary']", r"no schedule 'on-call:primary'; write oncall:primary"),
        (WEB + "['oncall:zzz']", r"no schedule 'oncall:zzz'; add it under \[\[oncall\]\]"),
        (WEB + "['usergroup:oncallers']", r"write usergroup:S…, its id"),
        ("[slack]\npages = ['bob']", r"slack\.pages: there is no person 'bob'"),
        ("[slack]\npages = ['oncall:x']", r"slack\.pages: there is no schedule 'oncall:x'"),
        ("[slack]\nchannel = '#ops'", r"slack\.channel: "),
        ("[slack]\nteam = 'acme'", r"slack\.team: "),
        ("[[oncall]]\nname = 'x'\nkind = 'static'", r"oncall\.1: static needs `people`"),
        ("[[oncall]]\nname = 'x'\nkind = 'ical'", r"oncall\.1: ical needs `url`"),
        ("[[oncall]]\nname = 'x'\nkind = 'pagerduty'", r"oncall\.1: pagerduty needs `schedule`"),
        ("[[oncall]]\nname = 'x'\nkind = 'rota'", r"oncall\.1\.kind: "),
        (PRIMARY, "oncall: primary is defined twice"),
        (
            "[[oncall]]\nname = 'x'\nkind = 'static'\npeople = ['anna']",
            r"oncall\.x\.people: there is no person 'anna'; write ana",
        ),
        (
            "[[oncall]]\nname = 'x'\nkind = 'ical'\nurl = 'webcal://c.test/a.ics'",
            r"oncall\.x\.url: begin the calendar's address with https",
        ),
        (
            "[[oncall]]\nname = 'x'\nkind = 'ical'\nurl = 'https://c.test'\npeople = ['ana']",
            r"oncall\.x\.people: it is not read for kind 'ical'",
        ),
        (
            "[[oncall]]\nname = 'x'\nkind = 'static'\npeople = ['ana']\ntimezone = 'UTC'",
            r"oncall\.x\.timezone: it is not read for kind 'static'",
        ),
        (
            "[[oncall]]\nname = 'x'\nkind = 'ical'\nurl = 'https://c.test'\ntimezone = 'Mars'",
            r"oncall\.x\.timezone: 'Mars' is no IANA time zone",
        ),
        ("[incident]\nremind_percent = 100", r"incident\.remind_percent: "),
        (
            "[incident]\nremind_percent = 60\npage_percent = 60",
            r"incident: page_percent needs to be above remind_percent",
        ),
    ],
)
def test_a_rule_that_would_not_be_in_force_is_refused(read: Read, text: str, words: str) -> None:
    """With its key, and what was most likely meant."""
    with pytest.raises(InvalidInput, match=words):
        read(ANA + PRIMARY + text)


def test_a_rung_may_be_switched_off(read: Read) -> None:
    """Whatever the other is."""
    assert read("[incident]\nremind_percent = 90\npage_percent = 0").incident.page_percent == 0
    assert read("[incident]\nremind_percent = 0\npage_percent = 1").incident.remind_percent == 0


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ("slack = 'ana'", "", r"people\.ana\.slack: write Slack's member id"),
        ("slack = 'U012'", "slack = 'U012'", r"people\.ben\.slack: another person has the same"),
        ("pagerduty = 'P1'", "pagerduty = 'P1'", r"people\.ana\.pagerduty: another person"),
        ("email = 'a@x.org'", "email = 'A@x.org'", r"people\.ben\.email: another person"),
    ],
)
def test_an_identity_is_one_persons(read: Read, first: str, second: str, words: str) -> None:
    """Who clicks is told by it."""
    with pytest.raises(InvalidInput, match=words):
        read(f"{ANA}{first}\n{BEN}{second}\n")
