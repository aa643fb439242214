"""Pages: what they show, what they escape, and how they follow an incident."""

import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from gateway_fakes import (
    APPROVAL,
    INCIDENT,
    NOW,
    RUN,
    FakeTemporal,
    agreed,
    approval,
    open_incident,
)

import gateway
from contracts.journal import Event, IncidentChange, Record
from contracts.words import minutes_text
from gateway.doors import Doors
from gateway.pages import percent

pytestmark = pytest.mark.asyncio(loop_scope="session")
Client = httpx.AsyncClient
PAGES = [
    "/incidents", f"/incidents/{INCIDENT}", "/approvals", f"/approvals/{APPROVAL}", "/pause",
    "/reports/toil", "/incidents/none", "/runbooks", "/runbooks/none",
]  # fmt: skip


class Tags(HTMLParser):
    """The tags and attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep it."""
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of every such tag."""
        return [attributes for name, attributes in self.tags if name == tag]


@pytest_asyncio.fixture(loop_scope="session", name="browser")
async def _browser(app: FastAPI, here: Doors, fake: FakeTemporal) -> AsyncIterator[Client]:
    """Ana's browser, at an incident that waits for her."""
    open_incident(here.journal, asked=approval())
    fake.running.add(RUN)
    async with Client(
        transport=httpx.ASGITransport(app),
        base_url="http://firebreak.test",
        headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"},
    ) as http:
        await http.post("/login", data={"token": "token-ana"})
        yield http


def form_token(page: str) -> str:
    """The token of the page's forms."""
    return page.partition('name="csrf" value="')[2].partition('"')[0]


@pytest.mark.parametrize("path", PAGES)
async def test_no_page_has_inline_code_or_foreign_addresses(browser: Client, path: str) -> None:
    """What the Content-Security-Policy would block must not be there."""
    answer = await browser.get(path)
    page = Tags(answer.text)
    assert answer.headers["content-type"].startswith("text/html")
    assert page.all("style") == []
    assert all(script["src"] for script in page.all("script"))
    for _, attributes in page.tags:
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "action"):
            assert (attributes.get(name) or "/").startswith(("/", "#")), attributes


@pytest.mark.parametrize("path", ["/login", "/incidents", "/healthz", "/static/firebreak.css"])
async def test_every_answer_has_the_security_headers(browser: Client, path: str) -> None:
    """Pages, JSON and files alike."""
    headers = (await browser.get(path)).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"] == ("no-cache" if "static" in path else "no-store")


@pytest.mark.parametrize("path", PAGES)
async def test_every_page_can_be_read_by_a_screen_reader(browser: Client, path: str) -> None:
    """Language, one heading, a skip link, labels, texts for images."""
    page = Tags((await browser.get(path)).text)
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("h1")) == 1
    assert [a for a in page.all("a") if a.get("href") == "#main"]
    assert all(image["alt"] for image in page.all("img"))
    shown = [i for i in page.all("input") if i.get("type") != "hidden"]
    shown += page.all("select") + page.all("textarea")
    assert len(shown) <= len(page.all("label"))


async def test_what_an_alert_or_a_log_says_is_only_text(browser: Client) -> None:
    """The excerpt holds a script."""
    for path in (f"/incidents/{INCIDENT}", f"/approvals/{APPROVAL}"):
        text = (await browser.get(path)).text
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert" in text


async def test_the_approval_page_shows_all_that_a_decision_needs(browser: Client) -> None:
    """What, where, how far, why, until when, by whom."""
    text = (await browser.get(f"/approvals/{APPROVAL}")).text
    plan = approval().plan
    for part in (
        plan.summary, plan.kubectl, plan.before, plan.after, plan.findings[0], plan.digest,
        "deployment shop/user-auth", "3 pods; now 0 of 3 ready", "Way back", "Track record",
        "shop is on the allow-list", "Ana (ana), Ben (ben)", "0 of 1 needed", "13 min left",
        "2026-11-21 08:43:00 UTC",
    ):  # fmt: skip
        assert part in text, part


async def test_a_decision_by_form_comes_back_to_the_page(
    browser: Client, here: Doors, fake: FakeTemporal
) -> None:
    """And the page then shows the result."""
    url = f"/approvals/{APPROVAL}"
    page = (await browser.get(url)).text

    def decided(update: object) -> object:
        answer = agreed(update)  # type: ignore[arg-type]
        here.journal.record(Record(incident=INCIDENT, approval=answer))
        return answer

    fake.answers["decide"] = decided  # type: ignore[assignment]
    form = {"decision": "deny", "reason": "wait for the release", "csrf": form_token(page)}
    form["digest"] = approval().plan.digest
    answer = await browser.post(f"{url}/decision", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, url)
    text = (await browser.get(url)).text
    assert "✕ denied" in text
    assert "wait for the release" in text
    assert 'value="approve"' not in text


async def test_enter_in_the_reason_never_approves(browser: Client) -> None:
    """A browser sends a form's first button on Enter in a one-line field."""
    text = (await browser.get(f"/approvals/{APPROVAL}")).text
    form = text.partition("/decision")[2].partition("</form>")[0]
    assert {field.get("type") for field in Tags(form).all("input")} == {"hidden"}
    assert len(Tags(form).all("textarea")) == 1


async def test_a_browser_asks_for_the_reason_of_a_denial_itself(browser: Client) -> None:
    """Beside the field, before anything is sent; approving needs none."""
    text = (await browser.get(f"/approvals/{APPROVAL}")).text
    form = text.partition("/decision")[2].partition("</form>")[0]
    (reason,) = Tags(form).all("textarea")
    assert "required" in reason
    buttons = {b["value"]: "formnovalidate" in b for b in Tags(form).all("button")}
    assert buttons == {"approve": True, "deny": False}


async def test_the_page_can_say_beside_the_field_what_is_missing(
    app: FastAPI, browser: Client
) -> None:
    """And without a hint it says nothing of the kind."""
    plain = (await browser.get(f"/approvals/{APPROVAL}")).text
    assert "Nothing was sent" not in plain
    template, _, _ = app.state.templates.loader.get_source(app.state.templates, "approval.html")
    field = template.partition("<label>Reason")[2].partition("</label>")[0]
    made = app.state.templates.from_string(field).render(hint="a denial needs a reason")
    assert "Nothing was sent: a denial needs a reason." in made
    assert Tags(made).all("textarea")[0]["aria-invalid"] == "true"


async def test_who_may_not_decide_sees_why_and_no_buttons(browser: Client) -> None:
    """A manager reads the same page."""
    await browser.post("/login", data={"token": "token-mia"})
    text = (await browser.get(f"/approvals/{APPROVAL}")).text
    assert 'value="approve"' not in text
    assert "You may read this, but not decide it" in text


async def test_a_denial_without_a_reason_is_asked_for_one_beside_the_field(browser: Client) -> None:
    """On the person's own page, which is not left."""
    page = (await browser.get(f"/approvals/{APPROVAL}")).text
    form = {"decision": "deny", "csrf": form_token(page)}
    answer = await browser.post(f"/approvals/{APPROVAL}/decision", data=form)
    assert answer.status_code == 422
    assert "Nothing was sent: a denial needs a reason" in answer.text


async def test_an_incident_is_followed_until_it_is_closed(browser: Client, here: Doors) -> None:
    """204 while nothing changed; the last fragment asks no more."""
    page = (await browser.get(f"/incidents/{INCIDENT}")).text
    found = re.search(r'hx-get="([^"]+/live[^"]*)"', page)
    assert found is not None
    assert 'hx-trigger="every 2s"' in page
    ask = {"HX-Request": "true", "Accept": "*/*"}
    assert (await browser.get(found[1], headers=ask)).status_code == 204
    change = IncidentChange(status="closed", outcome="resolved", closed_at=NOW)
    here.journal.record(Record(incident=INCIDENT, change=change))
    answer = await browser.get(found[1], headers=ask)
    assert answer.status_code == 200
    assert "● closed" in answer.text
    assert "hx-get" not in answer.text
    assert "<html" not in answer.text


async def test_an_approval_page_is_reloaded_when_somebody_else_decides(
    browser: Client, here: Doors
) -> None:
    """So that its buttons go."""
    page = (await browser.get(f"/approvals/{APPROVAL}")).text
    found = re.search(r'hx-get="([^"]+/live[^"]*)"', page)
    assert found is not None
    ask = {"HX-Request": "true"}
    assert (await browser.get(found[1], headers=ask)).status_code == 204
    here.journal.record(Record(incident=INCIDENT, approval=approval("denied")))
    answer = await browser.get(found[1], headers=ask)
    assert answer.headers["HX-Refresh"] == "true"


async def test_following_ends_at_the_sign_in_page_when_the_session_ends(browser: Client) -> None:
    """A script would follow a redirect and paste the page into the page."""
    browser.cookies.clear()
    url = f"/incidents/{INCIDENT}/live?seen=0"
    answer = await browser.get(url, headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert answer.headers["HX-Redirect"].startswith("/login")


async def test_the_report_page_names_why_figures_are_withheld(browser: Client) -> None:
    """Three people are fewer than the five of the policy."""
    text = (await browser.get("/reports/toil?weeks=4")).text
    assert "Minutes are withheld" in text
    assert "minutes are shown from 5 people on" in text
    assert "/reports/toil.svg?" in text


async def test_evidence_is_served_as_plain_text(browser: Client, here: Doors) -> None:
    """A browser must not take a log for a page."""
    body = "<script>alert(1)</script>"
    here.journal.keep_evidence(
        "k", INCIDENT, kind="logs", title="logs", body=body, digest="sha256:1", at=NOW
    )
    answer = await browser.get(f"/incidents/{INCIDENT}/evidence/sha256:1")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.text == body
    missing = await browser.get(f"/incidents/{INCIDENT}/evidence/sha256:2")
    assert missing.status_code == 404


async def test_vendored_files_have_licences_and_point_nowhere() -> None:
    """No source map, and every file beside its licence."""
    folder = Path(gateway.__file__).parent / "static" / "vendor"
    names = {path.name for path in folder.iterdir()}
    assert names == {"htmx.min.js", "htmx.LICENSE", "pico.min.css", "pico.LICENSE.md"}
    assert all("sourceMappingURL" not in path.read_text() for path in folder.iterdir())


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 min"),
        (0, "0 min"),
        (59, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (11100, "3 h 05 min"),
    ],
)
async def test_durations_read_as_people_say_them(seconds: int, text: str) -> None:
    """Whole units, rounded down."""
    assert minutes_text(seconds) == text


async def test_a_share_that_is_unknown_is_a_dash() -> None:
    """Not zero."""
    assert percent(None) == "\N{EN DASH}"
    assert percent(0.254) == "25\N{NO-BREAK SPACE}%"


async def test_an_approval_keeps_the_evidence_that_it_was_asked_on(
    browser: Client, here: Doors
) -> None:
    """What a later run of the same incident found is not what was approved."""
    open_incident(here.journal, asked=approval())

    def line(number: int, type_: str, text: str, **data: str) -> Event:
        return Event(
            key=f"{INCIDENT}#{number}", at=NOW, actor="firebreak", type=type_, text=text, data=data
        )

    asked = line(10, "asked", "roll back?", approval=APPROVAL)
    again = line(11, "matched", "restart_crash_loop starts: ana asked for it")
    later = line(12, "evidence", "3 of 3 pods ready", kind="kubernetes.pod_states")
    here.journal.record(Record(incident=INCIDENT, events=(asked, again, later)))
    text = (await browser.get(f"/approvals/{APPROVAL}")).text
    assert "last lines of 3 pods" in text
    assert "3 of 3 pods ready" not in text
