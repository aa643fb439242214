"""The incident page: what goes on now, which alert is which, and what follows from a button."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from gateway_fakes import (
    APPROVAL,
    INCIDENT,
    NOW,
    RUN,
    WORKFLOW,
    FakeTemporal,
    approval,
    bearer,
    open_incident,
)

from contracts.alert import Alert
from contracts.approval import Approval, Vote
from contracts.calls import IncidentRef
from contracts.journal import Event, IncidentChange, IncidentStatus, Record
from gateway import incidents
from gateway.app import build_app
from gateway.doors import Doors
from gateway.pages import which, who
from gateway.standing import lines_of, standing

pytestmark = pytest.mark.asyncio(loop_scope="session")
Client = httpx.AsyncClient
HOST = "http://firebreak.test"
PAGE = f"/incidents/{INCIDENT}"
NAMES = {"ana": "Ana", "ben": "Ben", "cem": "Cem"}


@pytest_asyncio.fixture(loop_scope="session", name="browser")
async def _browser(app: FastAPI, here: Doors, fake: FakeTemporal) -> AsyncIterator[Client]:
    """Ana's browser, at an incident that waits for her."""
    open_incident(here.journal, asked=approval())
    fake.running |= {RUN, WORKFLOW}
    transport = httpx.ASGITransport(app)
    headers = {"Accept": "text/html,application/xhtml+xml"}
    async with Client(transport=transport, base_url=HOST, headers=headers) as http:
        await http.post("/login", data={"token": "token-ana"})
        yield http


def plain(text: str) -> str:
    """What a reader reads."""
    return " ".join(re.sub(r"<[^>]+>", "", text).split())


def lead(text: str) -> str:
    """The status line."""
    return plain(text.partition('<p class="lead" role="status">')[2].partition("</p>")[0])


def form_token(page: str) -> str:
    """The token of the page's forms."""
    return page.partition('name="csrf" value="')[2].partition('"')[0]


def pod_alert(number: int, **labels: str) -> Alert:
    """One of several alerts of one name."""
    return Alert(
        source="alerts",
        fingerprint=f"{number:016x}",
        status="firing",
        name="KubePodCrashLooping",
        labels={"alertname": "KubePodCrashLooping", "pod": f"user-auth-{number}"} | labels,
        annotations={"summary": "Pod is crash looping."},
        starts_at=NOW - timedelta(minutes=6),
    )


def line(number: int, kind: str, text: str, actor: str = "firebreak", **data: Any) -> Event:
    """One more line."""
    at = NOW - timedelta(minutes=4) + timedelta(seconds=number)
    return Event(key=f"x{number}", at=at, actor=actor, type=kind, text=text, data=data)


def tell(here: Doors, status: IncidentStatus, *lines: Event, alerts: int = 0) -> None:
    """Let the incident go on."""
    told = tuple(pod_alert(n) for n in range(alerts))
    change = IncidentChange(status=status)
    here.journal.record(Record(incident=INCIDENT, change=change, events=lines, alerts=told))


async def test_alerts_of_one_name_can_be_told_apart(browser: Client, here: Doors) -> None:
    """In the list, and in the timeline."""
    said = [
        line(n, "alert", "KubePodCrashLooping firing: Pod is crash looping.", "alerts",
             source="alerts", fingerprint=f"{n:016x}")
        for n in range(3)
    ]  # fmt: skip
    tell(here, "waiting", *said, alerts=3)
    text = plain((await browser.get(PAGE)).text)
    for number in range(3):
        assert f"KubePodCrashLooping pod user-auth-{number}: Pod is crash looping." in text
        assert f"alert · alerts · pod user-auth-{number}" in text


async def test_many_equal_lines_fold_and_lose_nothing(browser: Client, here: Doors) -> None:
    """Every time and every pod stays on the page."""
    said = [
        line(n, "alert", "KubePodCrashLooping firing: Pod is crash looping.", "alerts",
             source="alerts", fingerprint=f"{n:016x}")
        for n in range(9)
    ]  # fmt: skip
    tell(here, "waiting", *said, alerts=9)
    text = (await browser.get(PAGE)).text
    timeline = text.partition('<ol class="timeline">')[2]
    assert plain(timeline).count("KubePodCrashLooping firing") == 1
    assert "9 times" in timeline
    for number, event in enumerate(said):
        assert f'datetime="{event.at.isoformat()}"' in timeline
        assert f"pod user-auth-{number}" in timeline


async def test_lines_that_differ_or_stand_apart_are_not_folded(here: Doors) -> None:
    """Only neighbours that say the same."""
    open_incident(here.journal)
    tell(here, "open", *(line(n, "alert", f"text {n % 2}", "alerts") for n in range(8)))
    tell(here, "open", *(line(10 + n, "note", "the same", "firebreak") for n in range(8)))
    incident = here.journal.incident(INCIDENT)
    assert incident is not None
    lines = lines_of(incident)
    assert [shown.item for shown in lines] == list(incident.timeline)
    assert not any(shown.more for shown in lines)


async def test_the_timeline_says_what_was_left_out(browser: Client, here: Doors) -> None:
    """A part must not look like the whole."""
    note = "3 more alerts of this group were not sent by alerts"
    tell(here, "waiting", line(1, "alert", "A firing: x", "alerts", cut=[note, "labels.x: cut"]))
    assert f"Not all of it: {note}; labels.x: cut" in plain((await browser.get(PAGE)).text)


async def test_the_status_line_says_who_is_waited_for(browser: Client) -> None:
    """With the names, and the time that is left."""
    text = (await browser.get(PAGE)).text
    assert lead(text) == "◔ waiting for a decision of Ana (ana) or Ben (ben), 13 min left"


@pytest.mark.parametrize(
    ("status", "lines", "said"),
    [
        ("acting", [("note", "writing: kubectl rollout undo")], "writing: kubectl rollout undo"),
        (
            "verifying",
            [("note", "waiting for rollout healthy of deployment shop/user-auth, 10 min at most")],
            "waiting for rollout healthy of deployment shop/user-auth, 10 min at most",
        ),
        ("verifying", [("outcome", "resolved: rolled back")], "waiting until 2 alerts resolve"),
        ("verifying", [("verified", "1 of 3 pods ready")], "1 of 3 pods ready"),
        ("escalated", [("outcome", "expired: nobody")], "a person is needed: nobody"),
        ("open", [("matched", "rollback starts")], "rollback starts"),
        ("closed", [("closed", "all alerts have resolved")], ""),
    ],
)
async def test_the_sentence_tells_what_goes_on(
    here: Doors, status: IncidentStatus, lines: list[tuple[str, str]], said: str
) -> None:
    """From the newest line that has to do with the status."""
    open_incident(here.journal)
    events = [line(n, kind, text) for n, (kind, text) in enumerate(lines)]
    tell(here, status, *events, alerts=2)
    assert sentence(here) == said


async def test_alerts_that_resolved_are_waited_for_to_stay_so(here: Doors) -> None:
    """Nothing fires, and the incident is not closed yet."""
    open_incident(here.journal)
    tell(here, "verifying", line(1, "outcome", "resolved: rolled back"))
    assert sentence(here) == "the alerts have resolved; waiting whether they stay so"


def sentence(here: Doors, *approvals: Approval, now: datetime = NOW) -> str:
    """The sentence about the incident as the journal has it."""
    incident = here.journal.incident(INCIDENT)
    assert incident is not None
    return standing(incident, approvals, now, lambda person: who(NAMES, person))


async def test_waiting_counts_who_is_missing(here: Doors) -> None:
    """Two of three, one has voted."""
    open_incident(here.journal, asked=approval())
    vote = Vote(person="ana", decision="approve", at=NOW)
    three = approval().model_copy(update={"approvers": ("ana", "ben", "cem"), "needed": 2})
    assert sentence(here, three).startswith("for 2 decisions of Ana (ana), Ben (ben) or Cem (cem)")
    one = three.model_copy(update={"votes": (vote,)})
    assert sentence(here, one) == "for a decision of Ben (ben) or Cem (cem), 13 min left"


async def test_waiting_is_honest_when_the_time_or_the_question_is_over(here: Doors) -> None:
    """Nobody is asked for what they can no longer give."""
    open_incident(here.journal, asked=approval())
    late = sentence(here, approval(), now=NOW + timedelta(hours=1))
    assert late.startswith("for nobody any more: the time to decide has ended")
    tell(here, "waiting", line(1, "decided", "ana approved", "ana", approval=APPROVAL))
    assert sentence(here, approval("approved")) == "for the next step: Ana (ana) approved"


async def test_the_page_is_renewed_each_minute(here: Doors) -> None:
    """The time that is left runs while nothing else happens."""
    open_incident(here.journal, asked=approval())
    moments = [NOW]
    app = build_app(replace(here, clock=lambda: moments[-1]))
    headers = bearer("token-ana") | {"Accept": "text/html"}
    transport = httpx.ASGITransport(app)
    async with Client(transport=transport, base_url=HOST, headers=headers) as http:
        found = re.search(r'hx-get="([^"]+/live[^"]*)"', (await http.get(PAGE)).text)
        assert found is not None
        assert (await http.get(found[1])).status_code == 204
        moments.append(NOW + timedelta(minutes=1))
        answer = await http.get(found[1])
    assert answer.status_code == 200
    assert "12 min left" in lead(answer.text)


async def test_people_have_their_names_and_machines_their_own(browser: Client, here: Doors) -> None:
    """Id beside the name, because the id is what commands take."""
    tell(here, "waiting", line(1, "note", "looked", "ana"), line(2, "note", "x", "ghost"))
    text = plain((await browser.get(PAGE)).text)
    assert "note · Ana (ana)" in text
    assert "note · ghost" in text
    assert "opened · firebreak" in text
    assert "Asked: Ana (ana), Ben (ben)" in text


async def test_every_time_on_the_page_can_be_read_by_machines(browser: Client) -> None:
    """What looks like a time stands in `<time datetime>`."""
    for path in (PAGE, f"/approvals/{APPROVAL}", "/incidents", "/approvals"):
        text = (await browser.get(path)).text
        text = text.partition("<main")[2]
        without = re.sub(r"<time datetime=\"[^\"]+\">[^<]*</time>", "", text)
        assert not re.findall(r"\d\d:\d\d:\d\d(?!Z)", plain(without)), path


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        ({"pod": "a", "instance": "b"}, "pod a"),
        ({"pod": "kube-state-metrics-0", "deployment": "web"}, "deployment web"),
        ({"pod": "kube-state-metrics-0", "exported_pod": "a"}, "pod a"),
        ({"instance": "10.0.0.1:80", "container": "app"}, "container app"),
        ({"instance": "10.0.0.1:80"}, "instance 10.0.0.1:80"),
        ({"severity": "critical"}, ""),
    ],
)
async def test_an_exporter_is_never_what_an_alert_is_about(
    labels: dict[str, str], text: str
) -> None:
    """The pod or workload first, where the scrape came from last."""
    assert which(labels) == text


async def test_taking_over_shows_at_once_what_it_means(
    browser: Client, here: Doors, fake: FakeTemporal
) -> None:
    """The journal is waited for; then the page offers to hand back, and nothing to take over."""

    def taken(_: object) -> IncidentRef:
        tell(here, "taken_over", line(1, "taken_over", "ana takes over", "ana"))
        return IncidentRef(incident=INCIDENT, status="taken_over")

    fake.answers["take_over"] = taken
    form = {"csrf": form_token((await browser.get(PAGE)).text)}
    answer = await browser.post(f"{PAGE}/take-over", data=form)
    assert (answer.status_code, answer.headers["Location"]) == (303, PAGE)
    text = (await browser.get(PAGE)).text
    assert lead(text).startswith("◆ taken over: Ana (ana) acts by hand; Firebreak writes nothing")
    assert "You have it." in text
    assert f'action="{PAGE}/hand-back"' in text
    assert f'action="{PAGE}/take-over"' not in text


async def test_only_who_took_it_over_is_offered_to_hand_it_back(
    browser: Client, here: Doors
) -> None:
    """The workflow would refuse the others."""
    tell(here, "taken_over", line(1, "taken_over", "ben takes over", "ben"))
    text = (await browser.get(PAGE)).text
    assert "Ben (ben) acts by hand" in lead(text)
    assert "hand-back" not in text
    assert "You have it" not in text


async def test_what_the_journal_does_not_say_yet_is_said_on_the_page(
    browser: Client, fake: FakeTemporal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write under way ends first; until then the page must not look as if nothing happened."""
    monkeypatch.setattr(incidents, "SHOWN_PAUSE_SECONDS", 0)
    fake.answers["close"] = IncidentRef(incident=INCIDENT, status="open")
    form = {"csrf": form_token((await browser.get(PAGE)).text)}
    answer = await browser.post(f"{PAGE}/close", data=form)
    assert answer.headers["Location"] == f"{PAGE}?asked=close"
    text = plain((await browser.get(answer.headers["Location"])).text)
    assert "Accepted: the incident closes. A write that is under way ends first" in text
    assert "Accepted:" not in (await browser.get(PAGE)).text
