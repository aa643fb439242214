"""What a worker told of its runbooks is replaced as a whole; the figures count what really ran."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import Engine

from contracts.catalogue import FaultyFile, RunbookPage, RunFigures, Served, ServedRunbook
from contracts.errors import Unavailable
from contracts.journal import Event, IncidentChange, Record
from contracts.plan import Reason, Verdict
from contracts.policy import Limits
from toil import runs
from toil.catalogue import Catalogue
from toil.database import open_engine
from toil.journal import Journal
from toil.words import figures_text

NOON = datetime(2026, 11, 21, 12, 0, 0, 5, tzinfo=UTC)
RESTART, ROLLBACK = "restart_crash_loop", "rollback_deployment"
WOULD = "Restart deployment shop/user-auth"
OBSERVES = Reason(rule="autonomy", ruling="deny", text=f"{RESTART} only observes; {WOULD}")


def runbook(name: str, **changed: Any) -> ServedRunbook:
    """One runbook, as a worker tells of it."""
    values: dict[str, Any] = {
        "name": name,
        "title": f"What {name} does.",
        "manual": "First paragraph.\n\nSecond one.",
        "triggers": ("alertname = KubePodCrashLooping",),
        "steps": ("look at the logs", "restart"),
        "autonomy": "ask",
        "services": {"user-auth": "auto"},
        "fingerprint": "sha256:1",
        "path": f"/srv/runbooks/{name}.py",
        "shipped": True,
    }
    return ServedRunbook.model_validate(values | changed)


def told(*names: str, **changed: Any) -> Served:
    """What a worker tells when it starts at noon."""
    values = {"at": NOON, "runbooks": tuple(runbook(name) for name in names)}
    return Served.model_validate(values | changed)


class Story:
    """Writes lines of one open incident into the journal."""

    def __init__(self, engine: Engine) -> None:
        self._journal = Journal(engine)
        self._numbers = count()
        opened = IncidentChange(workflow="w", opened_at=NOON)
        self._journal.record(Record(incident="inc-1", change=opened))

    def line(self, kind: str, data: dict[str, Any], ago: timedelta = timedelta(minutes=1)) -> None:
        """One line, so long before noon."""
        key = f"inc-1#{next(self._numbers)}"
        event = Event(key=key, at=NOON - ago, actor="firebreak", type=kind, text=kind, data=data)
        self._journal.record(Record(incident="inc-1", events=(event,)))

    def ran(self, status: str, seconds: int, name: str = RESTART, **other: Any) -> None:
        """The line that a run's end leaves."""
        ago = other.pop("ago", timedelta(minutes=1))
        facts = {"runbook": name, "attempt": 1, "status": status, "dry_run": False}
        started = (NOON - ago - timedelta(seconds=seconds)).isoformat()
        self.line("outcome", facts | {"started_at": started, "seconds": seconds} | other, ago)

    def refused(self, *reasons: Reason, name: str = RESTART, **other: Any) -> None:
        """The line that a refusal leaves."""
        ago = other.pop("ago", timedelta(minutes=1))
        verdict = Verdict(ruling="deny", reasons=reasons).model_dump(mode="json")
        about = {"runbook": name, "attempt": 1, "dry_run": False, "plan": WOULD}
        self.line("verdict", verdict | about | other, ago)


@pytest.fixture(name="catalogue")
def _catalogue(engine: Engine) -> Catalogue:
    """The catalogue of a migrated database without rows."""
    return Catalogue(engine)


@pytest.fixture(name="story")
def _story(engine: Engine, catalogue: Catalogue) -> Story:
    """A journal with one open incident, under two runbooks that are served."""
    catalogue.serve(told(ROLLBACK, RESTART))
    return Story(engine)


def figures_of(catalogue: Catalogue, name: str = RESTART) -> RunFigures:
    """The figures of one runbook, which its own page and the list must give alike."""
    view = catalogue.runbook(name, NOON)
    assert view is not None
    assert view in catalogue.page(NOON).items
    return view.figures


def would_have(catalogue: Catalogue, name: str = RESTART) -> list[str]:
    """The texts of what one runbook would have done, which both readers must give alike."""
    view = catalogue.runbook(name, NOON)
    assert view is not None
    assert view in catalogue.page(NOON).items
    return [seen.text for seen in view.would_have]


def test_before_any_worker_there_is_nothing(catalogue: Catalogue) -> None:
    """An empty page, and no runbook."""
    assert catalogue.served() is None
    assert catalogue.page(NOON) == RunbookPage()
    assert catalogue.runbook(RESTART, NOON) is None


def test_what_was_told_comes_back_whole_and_sorted(catalogue: Catalogue) -> None:
    """With the faulty files, the limits and the time at which the worker started."""
    fault = FaultyFile(path="/srv/bad.py", line=3, reason="imports time", remedy="use workflow.now")
    limits = Limits(namespaces=("shop",), cooldown_seconds=60)
    served = told(ROLLBACK, RESTART, faults=(fault,), limits=limits)
    catalogue.serve(served)
    page = catalogue.page(NOON)
    assert catalogue.served() == served
    assert (page.at, page.faults, page.limits) == (NOON, (fault,), limits)
    assert [item.name for item in page.items] == [RESTART, ROLLBACK]
    found = catalogue.runbook(RESTART, NOON)
    assert found == page.items[0]
    assert (
        found.model_dump(include=set(ServedRunbook.model_fields)) == runbook(RESTART).model_dump()
    )
    assert (found.limits, found.at) == (limits, NOON)


def test_the_next_worker_replaces_all_of_it(catalogue: Catalogue) -> None:
    """A runbook that is gone is gone, and so is a fault that was mended."""
    catalogue.serve(told(RESTART, ROLLBACK, faults=(FaultyFile(path="bad.py", reason="x"),)))
    catalogue.serve(told(ROLLBACK, at=NOON + timedelta(hours=1)))
    page = catalogue.page(NOON)
    assert [item.name for item in page.items] == [ROLLBACK]
    assert (page.faults, page.at) == ((), NOON + timedelta(hours=1))
    assert catalogue.runbook(RESTART, NOON) is None


def test_workers_that_start_at_once_do_not_fail_on_each_other(catalogue: Catalogue) -> None:
    """One of them is the last to tell, and what it told stands whole."""
    tellings = [told(f"runbook_{n}", f"runbook_{n}_too") for n in range(8)]
    with ThreadPoolExecutor(len(tellings)) as pool:
        list(pool.map(catalogue.serve, tellings))
    assert catalogue.served() in tellings


def test_a_file_whose_name_is_no_text_is_told_all_the_same(catalogue: Catalogue) -> None:
    """Neither a NUL nor half a character stops a worker's start."""
    fault = FaultyFile(path="/srv/b\udce9d.py", reason="a\x00b")
    catalogue.serve(told(faults=(fault,)))
    assert catalogue.page(NOON).faults == (FaultyFile(path="/srv/b?d.py", reason="a\ufffdb"),)


def test_a_database_that_is_away_is_unavailable() -> None:
    """For who tells and for who asks."""
    engine = open_engine("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(Unavailable):
        Catalogue(engine).serve(told(RESTART))
    with pytest.raises(Unavailable):
        Catalogue(engine).page(NOON)
    engine.dispose()


def test_a_runbook_that_never_ran_has_no_figures(catalogue: Catalogue, story: Story) -> None:
    """And no median of nothing."""
    story.ran("resolved", 60, name=ROLLBACK)
    assert figures_of(catalogue) == RunFigures()
    assert would_have(catalogue) == []


def test_runs_are_counted_by_how_they_ended(catalogue: Catalogue, story: Story) -> None:
    """The median is over those that resolved: a failure heals nothing, however fast it is."""
    for seconds in (100, 900, 200):
        story.ran("resolved", seconds)
    story.ran("failed", 1)
    story.ran("expired", 900)
    story.ran("expired", 900)
    story.ran("resolved", 5, name=ROLLBACK)
    assert figures_of(catalogue) == RunFigures(
        runs=6, outcomes={"resolved": 3, "failed": 1, "expired": 2}, heal_seconds_median=200
    )
    assert list(figures_of(catalogue).outcomes) == ["resolved", "expired", "failed"]


def test_runs_that_healed_nothing_have_no_median(catalogue: Catalogue, story: Story) -> None:
    """None, not zero."""
    story.ran("escalated", 30)
    assert figures_of(catalogue).heal_seconds_median is None


def test_a_dry_run_is_no_run(catalogue: Catalogue, story: Story) -> None:
    """It was only tried, whatever it says."""
    story.ran("refused", 3, dry_run=True)
    story.refused(OBSERVES, dry_run=True)
    assert figures_of(catalogue) == RunFigures()
    assert would_have(catalogue) == []


def test_lines_of_an_older_version_count_for_nothing(catalogue: Catalogue, story: Story) -> None:
    """They have no data, or another kind of data; the readers go on."""
    story.line("outcome", {})
    story.line("verdict", {})
    story.line("verdict", Verdict(ruling="deny", reasons=(OBSERVES,)).model_dump(mode="json"))
    story.line("verdict", {"runbook": RESTART, "reasons": "none"})
    story.line("outcome", {"runbook": 7, "status": "resolved"})
    story.line("outcome", {"runbook": RESTART, "status": "resolved", "seconds": "soon"})
    assert figures_of(catalogue) == RunFigures(runs=1, outcomes={"resolved": 1})
    assert would_have(catalogue) == []


def test_only_the_last_thirty_days_count(catalogue: Catalogue, story: Story) -> None:
    """To the microsecond."""
    days = timedelta(days=30)
    story.ran("resolved", 10, ago=days)
    story.ran("failed", 10, ago=days + timedelta(microseconds=1))
    assert figures_of(catalogue).outcomes == {"resolved": 1}


def test_what_runs_but_is_served_no_more_is_not_listed(catalogue: Catalogue, story: Story) -> None:
    """The incidents still tell of it."""
    story.ran("resolved", 10, name="removed_last_week")
    assert [item.name for item in catalogue.page(NOON).items] == [RESTART, ROLLBACK]
    assert catalogue.runbook("removed_last_week", NOON) is None


def test_reading_is_bounded_and_keeps_the_newest(
    catalogue: Catalogue, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A month of storms does not fill the memory of the gateway."""
    monkeypatch.setattr(runs, "RUNS_READ_MAX", 2)
    for minutes, status in ((3, "failed"), (1, "resolved"), (2, "expired")):
        story.ran(status, 10, ago=timedelta(minutes=minutes))
    assert set(figures_of(catalogue).outcomes) == {"resolved", "expired"}


def test_what_a_runbook_would_have_done_is_newest_first(catalogue: Catalogue, story: Story) -> None:
    """With the incident, the time and the plan; at most twenty."""
    for minutes in range(25):
        story.refused(OBSERVES, plan=f"plan {minutes}", ago=timedelta(minutes=minutes))
    story.refused(OBSERVES, name=ROLLBACK, plan="of another")
    assert would_have(catalogue) == [f"plan {minutes}" for minutes in range(20)]
    view = catalogue.runbook(RESTART, NOON)
    assert view is not None
    assert (view.would_have[1].incident, view.would_have[1].at) == (
        "inc-1",
        NOON - timedelta(minutes=1),
    )


def test_a_refusal_of_another_rule_is_nothing_it_would_have_done(
    catalogue: Catalogue, story: Story
) -> None:
    """And where both hold, the text says what else would have kept it."""
    cooldown = Reason(rule="cooldown", ruling="deny", text="it rests 900 s")
    asks = Reason(rule="autonomy", ruling="ask", text="asks before it writes")
    story.refused(cooldown, asks)
    story.refused(OBSERVES, cooldown)
    assert would_have(catalogue) == [f"{WOULD} (other guardrails would refuse it: it rests 900 s)"]


def test_without_a_plan_the_guardrails_words_stand(catalogue: Catalogue, story: Story) -> None:
    """A line that names its runbook, but was written before plans were kept in it."""
    story.refused(OBSERVES, plan=None)
    assert would_have(catalogue) == [OBSERVES.text]


@pytest.mark.parametrize(
    ("figures", "text"),
    [
        (RunFigures(), "no run in 30 days"),
        (RunFigures(runs=1, outcomes={"failed": 1}), "1 run · 1 failed"),
        (
            RunFigures(runs=14, outcomes={"resolved": 12, "expired": 2}, heal_seconds_median=190),
            "14 runs · 12 resolved · 2 expired · median 3 min",
        ),
    ],
)
def test_figures_read_as_people_say_them(figures: RunFigures, text: str) -> None:
    """Nothing that is not known is said."""
    assert figures_text(figures) == text
