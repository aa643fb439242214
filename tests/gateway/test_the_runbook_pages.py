"""What a team sees of its runbooks: the list, the manual of each, and the figures for machines."""

import re
import tomllib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from gateway_fakes import INCIDENT, NOW, approval, bearer, down, open_incident

from contracts.catalogue import (
    FaultyFile,
    Observed,
    RunbookPage,
    RunbookView,
    Served,
    ServedRunbook,
)
from contracts.journal import Event, Record
from contracts.plan import Reason, Verdict
from contracts.policy import Limits, RunbookPolicy
from gateway.doors import Doors
from gateway.manual import Block, blocks_of, coded, policy_lines
from gateway.runbooks import writes_of

pytestmark = pytest.mark.asyncio(loop_scope="session")
Client = httpx.AsyncClient
HTML = {"Accept": "text/html,application/xhtml+xml"}
RESTART = "restart_crash_loop"
PAGE = f"/runbooks/{RESTART}"
SCRIPT = "<script>alert('x')</script>"
BROKEN = FaultyFile(
    path="/srv/books/broken.py", line=7, reason="reads the clock", remedy="Use workflow.now()."
)


def runbook(**changed: Any) -> ServedRunbook:
    """The one that most of these tests look at."""
    values: dict[str, Any] = {
        "name": RESTART,
        "title": "Restart what crash-loops.",
        "manual": "A restart buys time.\n\nIt hides nothing.",
        "triggers": ('alertname="KubePodCrashLooping"',),
        "steps": ("look at pod logs", "restart the rollout"),
        "autonomy": "ask",
        "services": {"user-auth": "auto"},
        "fingerprint": "sha256:0123456789abcdef",
        "path": "/srv/books/restart_crash_loop.py",
    }
    return ServedRunbook.model_validate(values | changed)


def serve(here: Doors, *runbooks: ServedRunbook, faults: tuple[FaultyFile, ...] = ()) -> None:
    """Tell, as a worker does when it starts."""
    limits = Limits(namespaces=("shop",), attempts_max=3)
    here.catalogue.serve(Served(at=NOW, runbooks=runbooks, faults=faults, limits=limits))


def ran(here: Doors, *ends: tuple[str, int]) -> None:
    """Let the open incident tell of runs that ended so, after so many seconds."""
    about = {"runbook": RESTART, "attempt": 1, "dry_run": False}
    lines = [
        event("outcome", n, about | {"status": status, "seconds": seconds})
        for n, (status, seconds) in enumerate(ends)
    ]
    here.journal.record(Record(incident=INCIDENT, events=tuple(lines)))


def kept_back(here: Doors, plan: str) -> None:
    """Let it tell of a plan that was refused because the runbook only observes."""
    reason = Reason(rule="autonomy", ruling="deny", text="it only observes")
    verdict = Verdict(ruling="deny", reasons=(reason,)).model_dump(mode="json")
    data = verdict | {"runbook": RESTART, "plan": plan}
    here.journal.record(Record(incident=INCIDENT, events=(event("verdict", 0, data),)))


def event(kind: str, number: int, data: dict[str, Any]) -> Event:
    """One line, an hour ago."""
    at = NOW - timedelta(hours=1)
    key = f"{kind}{number}"
    return Event(key=key, at=at, actor="firebreak", type=kind, text=kind, data=data)


def plain(text: str) -> str:
    """What a reader reads of the page's own part."""
    main = text.partition("<main")[2].partition(">")[2].replace("&#34;", '"')
    without = re.sub(r"</?(?:a|bdi|code|small|span|strong|wbr)\b[^>]*>", "", main)
    return " ".join(re.sub(r"<[^>]+>", " ", without).split())


@pytest_asyncio.fixture(loop_scope="session", name="browser")
async def _browser(app: FastAPI, here: Doors) -> AsyncIterator[Client]:
    """Ana's browser, while an incident is open."""
    open_incident(here.journal, asked=approval())
    transport = httpx.ASGITransport(app)
    async with Client(transport=transport, base_url="http://firebreak.test", headers=HTML) as http:
        await http.post("/login", data={"token": "token-ana"})
        yield http


async def test_before_any_worker_has_told_the_page_says_what_to_do(browser: Client) -> None:
    """An empty list would look as if there were no runbooks."""
    text = plain((await browser.get("/runbooks")).text)
    assert "No worker has told of its runbooks yet" in text
    assert "firebreak worker" in text


async def test_a_worker_without_runbooks_is_not_a_worker_that_never_told(
    browser: Client, here: Doors
) -> None:
    """It says when it started, and how a first one is written."""
    serve(here)
    text = plain((await browser.get("/runbooks")).text)
    assert "No worker" not in text
    assert "firebreak runbooks new NAME" in text
    assert "2026-11-21 08:30:00 UTC" in text


async def test_the_list_has_each_runbook_with_its_figures(browser: Client, here: Doors) -> None:
    """Sign and word, triggers, what differs on a service, how it did; by name."""
    serve(here, runbook(), runbook(name="a_new_one", autonomy="observe", triggers=(), services={}))
    ran(here, *[("resolved", 190)] * 12, ("expired", 900), ("failed", 1))
    text = plain((await browser.get("/runbooks")).text)
    assert text.index("a_new_one") < text.index(RESTART)
    assert "◎ observe a_new_one" in text
    assert "no alert starts it, only a person" in text
    assert f"? ask {RESTART} Restart what crash-loops." in text
    assert "14 runs · 12 resolved · 1 expired · 1 failed · median 3 min" in text
    assert 'alertname="KubePodCrashLooping" · ▶ auto on user-auth' in text
    assert "not served" not in text


async def test_a_file_that_is_not_served_cannot_be_overlooked(browser: Client, here: Doors) -> None:
    """Where, why, and what to do about it, above the runbooks."""
    other = FaultyFile(path=BROKEN.path, reason="lacks a run method")
    serve(here, runbook(), faults=(BROKEN, other))
    page = (await browser.get("/runbooks")).text
    text = plain(page)
    assert "▲ 1 file is not served." in text
    assert "/srv/books/broken.py:7 reads the clock What to do: Use workflow.now()." in text
    assert "/srv/books/broken.py lacks a run method" in text
    assert page.index('role="alert"') < page.index(PAGE)


async def test_the_page_of_a_runbook_is_its_manual(browser: Client, here: Doors) -> None:
    """All that somebody needs who meets it at night."""
    serve(here, runbook())
    ran(here, ("resolved", 60), ("resolved", 120))
    page = (await browser.get(PAGE)).text
    text = plain(page)
    assert "<p><bdi>A restart buys time.</bdi></p>\n<p><bdi>It hides nothing.</bdi></p>" in page
    steps = page.partition("<ol>")[2].partition("</ol>")[0]
    assert re.findall(r"<li><bdi>([^<]+)", steps) == ["look at pod logs", "restart the rollout"]
    for part in (
        'alertname="KubePodCrashLooping"', "? ask: it writes when people agree",
        "On user-auth ▶ auto", "Writes only in shop", "Never in kube-system",
        "the workload rests 15 min", "3 writes to one workload in 1 h", "1 person must agree",
        "Runs 2", "✓ resolved 2", "Median time to heal 1 min", "/srv/books/restart_crash_loop.py",
        f"firebreak run {RESTART} --target NAMESPACE/KIND/NAME --dry-run",
    ):  # fmt: skip
        assert part in text, part
    assert '<code title="sha256:0123456789abcdef">0123456789ab</code>' in page
    assert "What it would have done" not in text


async def test_a_runbook_for_nodes_is_not_said_to_write_in_namespaces(
    browser: Client, here: Doors
) -> None:
    """A node is in none; the namespaces are those whose pods may be disturbed."""
    drains = ("look NodeConditions", "approve Drain", "act Drain", "verify ReplicasReady")
    serve(here, runbook(steps=drains))
    text = plain((await browser.get(PAGE)).text)
    assert "Writes only in" not in text
    assert "Writes to nodes never: nodes = false" in text
    assert "Disturbs pods only in shop" in text
    assert "--target node/NAME --dry-run" in text
    assert "to one node in" in text


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ((), ()),
        (("look Events", "approve Scale", "verify ReplicasReady"), ()),
        (("act Cordon", "act Drain", "act Uncordon"), ("nodes",)),
        (("act RolloutRestart",), ("workloads",)),
        (("act Drain|EvictPod",), ("nodes", "workloads")),
        (("act step",), ("workloads",)),
    ],
)
async def test_what_a_runbook_writes_to_is_read_from_its_steps(
    steps: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    """Looking and asking write nothing."""
    assert writes_of(runbook(steps=steps)) == expected


async def test_the_page_says_that_steps_depend_on_what_is_found(
    browser: Client, here: Doors
) -> None:
    """A flat list would look as if all of it were done each time."""
    serve(here, runbook())
    assert "depends on what it finds" in plain((await browser.get(PAGE)).text)


async def test_the_page_shows_the_very_lines_that_change_its_autonomy(
    browser: Client, here: Doors
) -> None:
    """Copied into the policy file, they say what holds now."""
    serve(here, runbook())
    text = (await browser.get(PAGE)).text.replace("&#34;", '"')
    lines = policy_lines(runbook(), "checkout")
    assert lines in text
    told = tomllib.loads(lines)["runbooks"][RESTART]
    assert RunbookPolicy.model_validate(told) == RunbookPolicy(
        autonomy="ask", services={"user-auth": "auto"}
    )


@pytest.mark.parametrize("name", ["plain-name_1", "two words", 'a "quote"', "dot.ted", "ü]"])
async def test_the_policy_lines_are_toml_whatever_the_names_are(name: str) -> None:
    """A bare key where it may be one, else a quoted one."""
    book = runbook(name=name, services={name: "observe"})
    told = tomllib.loads(policy_lines(book, "x"))
    assert told == {"runbooks": {name: {"autonomy": "ask", "services": {name: "observe"}}}}
    without = policy_lines(runbook(services={}), name)
    assert tomllib.loads(without) == {"runbooks": {RESTART: {"autonomy": "ask"}}}
    assert "# services = {" in without


async def test_a_runbook_that_observes_shows_what_it_would_have_done(
    browser: Client, here: Doors
) -> None:
    """With a way to each incident; and says so when there was nothing yet."""
    serve(here, runbook(autonomy="observe", services={}))
    assert "it came to no plan" in plain((await browser.get(PAGE)).text)
    kept_back(here, "Restart deployment shop/user-auth")
    page = (await browser.get(PAGE)).text
    part = page.partition("What it would have done")[2].partition("<h2>")[0]
    assert "Restart deployment shop/user-auth" in part
    assert f'href="/incidents/{INCIDENT}"' in part
    assert "2026-11-21 07:30:00 UTC" in part
    assert "would have acted 1 time" in plain((await browser.get("/runbooks")).text)


async def test_what_authors_and_file_names_say_is_only_text(browser: Client, here: Doors) -> None:
    """A docstring, a path or a label can hold a script; so can what stands between backticks."""
    words = ("title", "manual", "path", "fingerprint")
    book = runbook(
        **dict.fromkeys(words, SCRIPT), triggers=(SCRIPT,), steps=(SCRIPT,), autonomy="observe",
        services={SCRIPT: "auto"},
    )  # fmt: skip
    listed = runbook(name='x"><img src=y>', manual=f"`{SCRIPT}`\n\n- {SCRIPT}\n\n    {SCRIPT}\n")
    fault = FaultyFile(path=f"/srv/{SCRIPT}.py", reason=f"`{SCRIPT}`", remedy=SCRIPT)
    serve(here, book, listed, faults=(fault,))
    kept_back(here, SCRIPT)
    other = "/runbooks/x%22%3E%3Cimg%20src%3Dy%3E"
    for path, times in (("/runbooks", 6), (PAGE, 9), (other, 3)):
        answer = await browser.get(path)
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        assert "<img" not in answer.text
        assert answer.text.count("&lt;script&gt;alert") >= times, path


@pytest.mark.parametrize("path", ["/runbooks", PAGE])
async def test_the_pages_need_no_inline_code_and_have_one_heading(
    browser: Client, here: Doors, path: str
) -> None:
    """With content on them; the empty ones are looked at with the other pages."""
    serve(here, runbook(), faults=(BROKEN,))
    kept_back(here, "x")
    text = (await browser.get(path)).text
    assert text.count("<h1") == 1
    assert not re.findall(r"\s(?:style|on\w+)=", text)
    assert RESTART in text.replace("<wbr>", "")
    without = re.sub(r"<time datetime=\"[^\"]+\">[^<]*</time>", "", text.partition("<main")[2])
    assert not re.findall(r"\d\d:\d\d:\d\d(?!Z)", without)


async def test_an_unknown_runbook_is_404_and_says_where_to_look(
    browser: Client, ana: Client, here: Doors
) -> None:
    """Also one that ran once and was removed since."""
    serve(here)
    ran(here, ("resolved", 60))
    error = (await ana.get(PAGE)).json()["error"]
    assert error["code"] == "not_found"
    assert "/runbooks" in error["fix"]
    answer = await browser.get(PAGE)
    assert answer.status_code == 404
    assert '<a href="/runbooks">To the runbooks</a>' in answer.text


async def test_every_role_reads_and_nobody_else(http: Client, here: Doors) -> None:
    """A manager as well; a sender's token and none at all do not."""
    serve(here, runbook())
    for path in ("/runbooks", PAGE):
        assert (await http.get(path, headers=bearer("token-mia"))).status_code == 200
        assert (await http.get(path, headers=bearer("token-alerts"))).status_code == 401
        answer = await http.get(path)
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "unauthenticated"
        to_login = await http.get(path, headers=HTML)
        assert to_login.headers["Location"] == f"/login?next={path}"


async def test_programs_get_the_contracts(ana: Client, here: Doors) -> None:
    """As the page, and as one of its items."""
    serve(here, runbook(), faults=(BROKEN,))
    open_incident(here.journal)
    kept_back(here, "Restart it")
    ran(here, ("resolved", 61))
    page = RunbookPage.model_validate((await ana.get("/runbooks")).json())
    one = RunbookView.model_validate((await ana.get(PAGE)).json())
    assert page.items == (one,)
    assert (page.faults, page.at, page.limits.attempts_max) == ((BROKEN,), NOW, 3)
    assert (one.figures.runs, one.figures.heal_seconds_median) == (1, 61)
    seen = Observed(incident=INCIDENT, at=NOW - timedelta(hours=1), text="Restart it")
    assert one.would_have == (seen,)


async def test_the_navigation_and_an_incident_lead_to_the_runbooks(browser: Client) -> None:
    """From wherever its name stands."""
    page = (await browser.get(f"/incidents/{INCIDENT}")).text
    assert '<a href="/runbooks">Runbooks</a>' in page
    assert '<a href="/runbooks/RollbackDeployment">RollbackDeployment</a>' in page
    here = (await browser.get("/runbooks")).text
    assert '<a href="/runbooks" aria-current="page">Runbooks</a>' in here


async def test_metrics_count_what_is_served_and_name_the_faulty_files(
    ana: Client, here: Doors
) -> None:
    """A file with two faults is one file; a mended one is gone with the next worker."""
    assert "firebreak_runbooks_served 0.0" in (await ana.get("/metrics")).text
    twice = BROKEN.model_copy(update={"line": 9})
    elsewhere = BROKEN.model_copy(update={"path": "/other/broken.py"})
    serve(here, runbook(), faults=(BROKEN, twice, elsewhere))
    text = (await ana.get("/metrics")).text
    assert "firebreak_runbooks_served 1.0" in text
    assert 'firebreak_runbooks_faulty{file="broken.py"} 2.0' in text
    serve(here, runbook(), runbook(name="another"))
    text = (await ana.get("/metrics")).text
    assert "firebreak_runbooks_served 2.0" in text
    assert "firebreak_runbooks_faulty{" not in text


async def test_metrics_outlive_the_database(
    ana: Client, here: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is unknown is said to be, and no old fault is repeated."""
    serve(here, runbook(), faults=(BROKEN,))
    await ana.get("/metrics")
    monkeypatch.setattr(here.catalogue, "served", down)
    answer = await ana.get("/metrics")
    assert answer.status_code == 200
    assert "firebreak_runbooks_served NaN" in answer.text
    assert "firebreak_runbooks_faulty{" not in answer.text
    monkeypatch.setattr(here.catalogue, "page", lambda _: down())
    assert (await ana.get("/runbooks")).status_code == 503


async def test_a_docstring_becomes_paragraphs_lists_and_code() -> None:
    """Lines that were only broken to fit the editor are joined; nothing else is read into it."""
    manual = """First line
    of a paragraph.

    Not when:
    - the image is wrong, because
      the next pods crash as well
    2. the node is full

        kubectl get pods

        kubectl get nodes
    """
    assert blocks_of(manual) == (
        Block("text", ("First line of a paragraph.",)),
        Block("text", ("Not when:",)),
        Block(
            "list",
            ("the image is wrong, because the next pods crash as well", "the node is full"),
        ),
        Block("code", ("kubectl get pods",)),
        Block("code", ("kubectl get nodes",)),
    )
    assert blocks_of("") == blocks_of("  \n ") == ()


async def test_backticks_are_code_and_a_lonely_one_is_itself() -> None:
    """Escaped in both cases."""
    assert coded("use `a<b` and ``c``") == "use <code>a&lt;b</code> and <code>c</code>"
    assert coded("it's 5` <b>") == "it&#39;s 5` &lt;b&gt;"
