"""The approval page once it is answered, or can no longer be: what happens next, and where."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from gateway_fakes import APPROVAL, INCIDENT, NOW, approval, open_incident

from contracts.approval import ApprovalState, Vote
from contracts.journal import Event, Record
from gateway.doors import Doors

pytestmark = pytest.mark.asyncio(loop_scope="session")
Client = httpx.AsyncClient
HOST = "http://firebreak.test"
PAGE = f"/approvals/{APPROVAL}"
AGREED = Vote(person="ana", decision="approve", at=NOW)


@pytest_asyncio.fixture(loop_scope="session", name="browser")
async def _browser(app: FastAPI) -> AsyncIterator[Client]:
    """Ana's browser."""
    transport = httpx.ASGITransport(app)
    headers = {"Accept": "text/html,application/xhtml+xml"}
    async with Client(transport=transport, base_url=HOST, headers=headers) as http:
        await http.post("/login", data={"token": "token-ana"})
        yield http


def standing(text: str) -> str:
    """The part that says how it stands."""
    return text.partition('<div id="standing"')[2].partition("</div>")[0]


@pytest.mark.parametrize(
    ("state", "said", "heading"),
    [
        ("approved", "Right before it writes, Firebreak looks again", "What was approved"),
        ("denied", "a person handles the incident", "What would have been done"),
        ("expired", "the incident is escalated", "What would have been done"),
        ("void", "this question cannot be answered any more", "What would have been done"),
    ],
)
async def test_the_page_says_what_happens_next(
    browser: Client, here: Doors, state: ApprovalState, said: str, heading: str
) -> None:
    """With a link to where it happens, and no form."""
    open_incident(here.journal, asked=approval(state))
    text = (await browser.get(PAGE)).text
    part = standing(text)
    assert "What happens next:" in part
    assert said in part
    assert f'<a href="/incidents/{INCIDENT}">Follow the incident</a>' in part
    assert f"<h2>{heading}</h2>" in text
    assert f'action="{PAGE}/decision"' not in text


async def test_an_open_question_promises_nothing(browser: Client, here: Doors) -> None:
    """What happens next is for the people named to say."""
    open_incident(here.journal, asked=approval())
    text = (await browser.get(PAGE)).text
    assert "What happens next:" not in text
    assert "<h2>What will be done</h2>" in text
    assert "Ana (ana), Ben (ben)" in standing(text)


@pytest.mark.parametrize("kind", ["void", "expired"])
async def test_a_closed_question_says_why(browser: Client, here: Doors, kind: str) -> None:
    """In the words of the timeline, and not in those of another question."""
    open_incident(here.journal, asked=approval("void"))
    events = [
        Event(key=f"v{n}", at=NOW, actor="firebreak", type=kind, text=text, data={"approval": of})
        for n, (of, text) in enumerate(((APPROVAL, "the alerts have resolved"), ("apr-x", "other")))
    ]
    here.journal.record(Record(incident=INCIDENT, events=tuple(events)))
    text = standing((await browser.get(PAGE)).text)
    assert "the alerts have resolved" in text
    assert "other" not in text


async def test_who_has_agreed_may_only_change_their_mind(browser: Client, here: Doors) -> None:
    """A second approval by one person counts once; a denial still counts."""
    two = approval("open", AGREED).model_copy(update={"needed": 2})
    open_incident(here.journal, asked=two)
    text = (await browser.get(PAGE)).text
    assert "You have approved. 1 more must agree before anything is written" in text
    assert 'value="approve"' not in text
    assert 'value="deny"' in text


async def test_a_vote_names_the_person(browser: Client, here: Doors) -> None:
    """Name and id, with a time that machines can read."""
    open_incident(here.journal, asked=approval("approved", AGREED))
    text = standing((await browser.get(PAGE)).text)
    assert re.search(r"✓ approve</span> Ana \(ana\) at <time datetime=", text)
