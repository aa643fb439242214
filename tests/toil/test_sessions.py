"""Time is counted once a person, in whole seconds, and nothing is lost when it is split."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.toil import Observation
from toil.sessions import pieces_of, sessions_of
from toil.weeks import Week
from toil.work import shares_of, work_of

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def act(
    minute: int, minutes: int, person: str | None = "ana", *, team: str = "", n: int = 0
) -> Observation:
    """`minutes` of work that ended `minute` minutes after noon."""
    return Observation(
        key=f"{person}/{team}/{minute}/{minutes}/{n}",
        person=person,
        team=team,
        at=NOON + timedelta(minutes=minute),
        source="test",
        action=f"action {n}",
        seconds=minutes * 60,
    )


ACTS = st.lists(
    st.builds(
        act,
        st.integers(0, 300),
        st.integers(0, 90),
        st.sampled_from(["ana", "ben", None]),
        team=st.sampled_from(["shop", ""]),
        n=st.integers(0, 3),
    ),
    max_size=20,
    unique_by=lambda a: a.key,
)


def minutes_worked(acts: list[Observation]) -> int:
    """The union, counted minute by minute."""
    worked = set()
    for one in acts:
        end = int((one.at - NOON).total_seconds()) // 60
        who = (one.person, "" if one.person else one.team)
        worked |= {(who, minute) for minute in range(end - one.seconds // 60, end)}
    return len(worked)


@settings(deadline=None)
@given(ACTS)
def test_sessions_are_the_union_of_each_persons_acts(acts: list[Observation]) -> None:
    """No minute twice, none lost, and no two sessions of one person touch."""
    sessions = sessions_of(acts)
    assert minutes_worked(acts) * 60 == sum(s.seconds for s in sessions)
    for one in sessions:
        assert one.seconds == (one.ends - one.begins).total_seconds()
        others = [s for s in sessions if (s.person, s.team) == (one.person, one.team)]
        assert sum(s.begins <= one.ends and one.begins <= s.ends for s in others) == 1


@settings(deadline=None)
@given(ACTS, st.lists(st.integers(-100, 400), max_size=4))
def test_a_split_loses_no_second(acts: list[Observation], cuts: list[int]) -> None:
    """Neither at a week's edge nor among acts that went on at once."""
    pieces = pieces_of(acts, [NOON + timedelta(minutes=c, seconds=7) for c in cuts])
    shares = [seconds for piece in pieces for _, seconds in shares_of(piece)]
    assert minutes_worked(acts) * 60 == sum(shares)


def test_acts_that_touch_are_one_session() -> None:
    """Half-open intervals: the end of one is the begin of the next."""
    (one,) = sessions_of([act(10, 10), act(20, 10)])
    assert (one.begins, one.seconds) == (NOON, 1200)
    assert len(one.keys) == 2


def test_two_people_at_one_incident_both_count() -> None:
    """Person-hours, not hours."""
    assert sum(s.seconds for s in sessions_of([act(10, 10), act(10, 10, "ben")])) == 1200


def test_parts_of_a_second_are_left_out() -> None:
    """Seconds are integers on both sides of an interval."""
    late = act(10, 10).model_copy(update={"at": NOON + timedelta(minutes=10, microseconds=999_999)})
    assert [s.seconds for s in sessions_of([late])] == [600]


def test_shared_seconds_go_to_the_earliest_first() -> None:
    """Three acts share 100 seconds: 34, 33 and 33."""
    acts = [
        act(0, 1, n=n).model_copy(update={"seconds": 100, "at": NOON, "key": f"k{n}"})
        for n in range(3)
    ]
    (piece,) = pieces_of(acts)
    assert [seconds for _, seconds in shares_of(piece)] == [34, 33, 33]


def test_work_across_the_end_of_a_week_is_split() -> None:
    """Each week gets its own part, and what lies outside gets none."""
    weeks = [
        Week(label="a", begins=NOON, ends=NOON + timedelta(minutes=10)),
        Week(label="b", begins=NOON + timedelta(minutes=10), ends=NOON + timedelta(minutes=20)),
    ]
    work = work_of([act(15, 10), act(1, 3, n=1), act(22, 3, n=2)], [], weeks)
    assert [(w.week, w.seconds) for w in work] == [("a", 60), ("a", 300), ("b", 300), ("b", 60)]
