"""When an incident has come to need people, and in which words: names, and what is true now."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contracts.journal import IncidentStatus
from contracts.standing import is_ending, needs, said_no, standing
from contracts.views import AlertView, IncidentDetail, TimelineItem

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
Line = tuple[str, str, dict[str, Any]]

FAILED: Line = ("outcome", "escalated: still sick", {"status": "escalated"})
HEALED: Line = ("outcome", "resolved: rolled back", {"status": "resolved"})
NO: Line = ("decided", "ana denied: not during the sale.", {"actor": "ana"})
DECLINED: Line = (
    "outcome",
    "declined: ana declined: not during the sale.",
    {"status": "declined"},
)
BACK: Line = ("handed_back", "ben hands back after 240 s", {"actor": "ben", "seconds": 240})
REFUSED: Line = ("outcome", "refused: paused (all by ben)", {"status": "refused"})
TAKEN: Line = ("taken_over", "ben takes over", {"actor": "ben"})
MATCHED: Line = ("matched", "rollback starts", {"dry_run": False})
TRIED: Line = ("matched", "rollback is tried", {"dry_run": True})
TRIED_OUT: Line = ("outcome", "refused: never", {"status": "refused", "dry_run": True})
NO_RUNBOOK: Line = ("escalated", "no runbook applies", {})


def incident(status: IncidentStatus, *told: Line, fires: int = 2) -> IncidentDetail:
    """An incident with that timeline; so many of its three alerts fire."""
    alerts = tuple(
        AlertView(
            source="am",
            fingerprint=f"f{number}",
            name="High",
            status="firing" if number < fires else "resolved",
            summary="",
            starts_at=NOON,
        )
        for number in range(3)
    )
    timeline = tuple(
        TimelineItem(
            seq=seq,
            at=NOON + timedelta(seconds=seq),
            actor=str(data.get("actor", "firebreak")),
            type=kind,
            text=text,
            data=data,
        )
        for seq, (kind, text, data) in enumerate(told, 1)
    )
    return IncidentDetail(
        id="inc-1", workflow="w", status=status, alerts=alerts, opened_at=NOON, timeline=timeline
    )


def told(status: IncidentStatus, *lines: Line, fires: int = 2) -> str:
    """The sentence, with people called by name."""
    return standing(incident(status, *lines, fires=fires), str.capitalize)


def test_a_no_is_told_by_name_and_with_its_reason_once() -> None:
    """And that nothing runs any more."""
    words = "Ana said no: not during the sale; nothing runs"
    assert told("escalated", NO, DECLINED) == f"a person is needed: {words}"


def test_a_withdrawal_is_no_refusal() -> None:
    """Who asked for the run no longer wants it."""
    withdrew: Line = ("decided", "ana withdrew it: wrong one", {"actor": "ana"})
    ended: Line = ("outcome", "declined: ana withdrew it: wrong one", {"status": "declined"})
    assert told("open", withdrew, ended, fires=0) == "Ana withdrew it: wrong one; nothing runs"


def test_a_no_that_nobody_is_known_to_have_said_stays_as_it_was_written() -> None:
    """A runbook may call its own end so."""
    assert told("escalated", DECLINED).endswith("declined: ana declined: not during the sale.")
    agreed: Line = ("decided", "ana approved", {"actor": "ana"})
    assert said_no(incident("escalated", NO, agreed), str.capitalize) == ""


@pytest.mark.parametrize(
    ("fires", "still"), [(2, "2 alerts still fire"), (1, "1 alert still fires"), (0, "no alert")]
)
def test_after_a_hand_back_the_past_is_past(fires: int, still: str) -> None:
    """What refused the runbook before somebody had it is no news."""
    words = told("escalated", REFUSED, TAKEN, BACK, fires=fires)
    assert f"Ben handed it back after 4 min; {still}" in words
    assert "refused" not in words


def test_who_never_came_back_has_not_handed_back() -> None:
    """How long they worked is a guess that nobody needs here."""
    lost: Line = (
        "handed_back",
        "forgotten: handed back after 600 s of work",
        {"actor": "ben", "seconds": 600},
    )
    assert "Ben never handed it back; 2 alerts still fire" in told("escalated", TAKEN, lost)


def test_a_hand_back_of_the_past_has_no_figure() -> None:
    """It was written before the figure was."""
    old: Line = ("handed_back", "ben hands back after 240 s of work", {"actor": "ben"})
    assert "Ben handed it back; 2 alerts still fire" in told("escalated", TAKEN, old)


def test_that_a_person_is_needed_is_said_once() -> None:
    """A runbook's word for its end repeats it; a guardrail's does not."""
    assert told("escalated", FAILED) == "a person is needed: still sick"
    assert told("escalated", REFUSED) == "a person is needed: refused: paused (all by ben)"


def test_a_dry_run_says_nothing_of_what_is_needed() -> None:
    """Neither in words nor as a need."""
    assert told("escalated", NO_RUNBOOK, TRIED, TRIED_OUT).endswith("no runbook applies")
    assert [line.seq for line in needs(incident("escalated", NO_RUNBOOK, TRIED, TRIED_OUT))] == [1]


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ((MATCHED, HEALED), []),
        ((NO_RUNBOOK, NO_RUNBOOK, NO_RUNBOOK), [1]),
        ((MATCHED, FAILED, MATCHED, FAILED), [2, 4]),
        ((MATCHED, NO, DECLINED), [3]),
        ((NO_RUNBOOK, TAKEN, BACK), [1, 3]),
        ((NO_RUNBOOK, TAKEN, FAILED, BACK), [1, 3, 4]),
        ((FAILED, ("closed", "", {}), ("reopened", "", {}), NO_RUNBOOK), [1, 4]),
        ((NO_RUNBOOK, ("verified", "", {}), FAILED), [1, 3]),
    ],
)
def test_each_time_that_people_are_needed_counts_once(
    lines: tuple[Line, ...], found: list[int]
) -> None:
    """However much is added while nobody and nothing else has had it."""
    assert [line.seq for line in needs(incident("escalated", *lines))] == found


def test_what_nobody_needs_any_more_is_ending() -> None:
    """Nothing runs and nothing fires; it closes by itself."""
    assert is_ending(incident("open", NO, DECLINED, fires=0))
    assert is_ending(incident("open", TAKEN, BACK, fires=0))
    assert not is_ending(incident("open", NO, DECLINED))
    assert not is_ending(incident("open", DECLINED, MATCHED, fires=0))
    assert not is_ending(incident("escalated", FAILED, fires=0))
