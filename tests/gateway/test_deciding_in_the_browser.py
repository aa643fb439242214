"""The approval page says as much as the message in Slack does, and asks once more where something
can break, in a browser without scripts as well.
"""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI
from gateway_fakes import (
    APPROVAL,
    INCIDENT,
    RUN,
    FakeTemporal,
    agreed,
    approval,
    open_incident,
    plan,
)

from contracts.approval import Approval
from contracts.journal import Record
from contracts.plan import BlastRadius, Reason, Verdict
from gateway.doors import Doors

pytestmark = pytest.mark.asyncio(loop_scope="session")
Client = httpx.AsyncClient
PAGE = f"/approvals/{APPROVAL}"


@pytest_asyncio.fixture(loop_scope="session", name="browser")
async def _browser(app: FastAPI) -> AsyncIterator[Client]:
    """Ana's browser."""
    async with Client(
        transport=httpx.ASGITransport(app),
        base_url="http://firebreak.test",
        headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"},
    ) as http:
        await http.post("/login", data={"token": "token-ana"})
        yield http


def _ask(here: Doors, fake: FakeTemporal, asked: Approval) -> None:
    """Let the question be open."""
    open_incident(here.journal, asked=asked)
    fake.running.add(RUN)
    fake.answers["decide"] = agreed


def _grave() -> Approval:
    """A question of high risk."""
    reasons = (
        Reason(rule="outage", ruling="ask", text="nothing would serve", fix="Agree if none must"),
        Reason(rule="autonomy", ruling="ask", text="it always asks"),
    )
    blast = BlastRadius(pods=2, ready=2, desired=2, lost=2)
    return approval().model_copy(
        update={
            "plan": plan().model_copy(update={"blast": blast}),
            "verdict": Verdict(ruling="ask", reasons=reasons, approvers=("ana", "ben")),
        }
    )


def _harmless() -> Approval:
    """A question of low risk: no pod is ready, and only the runbook's own rule asks."""
    blast = BlastRadius(pods=3, ready=0, desired=3, lost=0)
    return approval().model_copy(update={"plan": plan().model_copy(update={"blast": blast})})


def _form(page: str, **more: str) -> dict[str, Any]:
    csrf = page.partition('name="csrf" value="')[2].partition('"')[0]
    digest = page.partition('name="digest" value="')[2].partition('"')[0]
    return {"csrf": csrf, "digest": digest, **more}


async def test_the_page_says_how_risky_it_is_and_how_it_is_taken_back(
    browser: Client, here: Doors, fake: FakeTemporal
) -> None:
    """In the words of the message; somebody without Slack decides on as much."""
    _ask(here, fake, _grave())
    page = " ".join((await browser.get(PAGE)).text.split())
    assert "▲ high</span>: <bdi>2 of 2 ready pods go away at once; nothing would serve" in page
    assert "<dt>Touches</dt><dd>2 pods; now 2 of 2 ready</dd>" in page
    assert "<dt>Way back</dt>" in page
    assert "has written nothing to this target in 90 days" in page


async def test_a_reason_and_what_to_do_about_it_are_two_sentences(
    browser: Client, here: Doors, fake: FakeTemporal
) -> None:
    """They ran into one another."""
    _ask(here, fake, _grave())
    page = (await browser.get(PAGE)).text
    assert "<bdi>nothing would serve.</bdi>" in page
    assert "Agree if none must.</span>" in page


async def test_a_risky_yes_is_asked_once_more_and_records_nothing_before(
    browser: Client, here: Doors, fake: FakeTemporal
) -> None:
    """By a page of its own, which needs no script; what was typed is kept."""
    _ask(here, fake, _grave())
    form = _form((await browser.get(PAGE)).text, decision="approve", reason='it is "fine"')
    sure = await browser.post(f"{PAGE}/decision", data=form)
    assert sure.status_code == 200
    assert "Nothing is recorded yet" in sure.text
    assert "▲ high" in sure.text
    assert 'value="it is &#34;fine&#34;"' in sure.text
    assert fake.updates == []

    again = _form(sure.text, decision="approve", reason='it is "fine"', sure="true")
    answer = await browser.post(f"{PAGE}/decision", data=again)
    assert answer.status_code == 303
    [(_, update)] = fake.updates
    assert (update.argument.reason, update.argument.digest) == (  # type: ignore[attr-defined]
        'it is "fine"',
        plan().digest,
    )


async def test_a_harmless_yes_and_a_no_are_not_asked_again(
    browser: Client, here: Doors, fake: FakeTemporal
) -> None:
    """A question that is asked each time is not read."""
    _ask(here, fake, _harmless())
    form = _form((await browser.get(PAGE)).text, decision="approve")
    assert (await browser.post(f"{PAGE}/decision", data=form)).status_code == 303
    here.journal.record(Record(incident=INCIDENT, approval=_grave()))
    deny = form | {"decision": "deny", "reason": "wait"}
    assert (await browser.post(f"{PAGE}/decision", data=deny)).status_code == 303


async def test_a_program_means_what_it_sends(ana: Client, here: Doors, fake: FakeTemporal) -> None:
    """The API asks nothing back."""
    _ask(here, fake, _grave())
    answer = await ana.post(f"{PAGE}/decision", json={"decision": "approve"})
    assert answer.json()["state"] == "approved"


async def test_somebody_on_call_may_decide_in_the_browser(
    browser: Client, here: Doors, fake: FakeTemporal
) -> None:
    """Approvers may be a schedule; its members are in the books, and it has a name."""
    asked = approval().model_copy(update={"approvers": ("oncall:primary",)})
    _ask(here, fake, asked)
    page = (await browser.get(PAGE)).text
    assert 'value="approve"' not in page
    assert "Ask one of on-call primary." in page
    here.memberships.keep("oncall:primary", ["ana"], here.clock())
    assert 'value="approve"' in (await browser.get(PAGE)).text


@pytest.mark.parametrize(("state", "code"), [("void", 409), ("expired", 410), ("denied", 409)])
async def test_a_repeated_yes_never_reads_as_if_it_counted_now(
    ana: Client, here: Doors, fake: FakeTemporal, state: str, code: int
) -> None:
    """Temporal gives an equal update the answer of back then, which was yes."""
    _ask(here, fake, _harmless())
    first = await ana.post(f"{PAGE}/decision", json={"decision": "approve"})
    assert first.status_code == 200
    over = agreed(fake.updates[0][1]).model_copy(update={"state": state})
    here.journal.record(Record(incident=INCIDENT, approval=over))
    again = await ana.post(f"{PAGE}/decision", json={"decision": "approve"})
    assert again.status_code == code
    assert len(fake.updates) == 1


async def test_the_same_yes_sent_twice_is_answered_the_same(
    ana: Client, here: Doors, fake: FakeTemporal
) -> None:
    """A client that lost the answer asks for it again."""
    _ask(here, fake, _harmless())
    body = {"decision": "approve"}
    first = await ana.post(f"{PAGE}/decision", json=body)
    here.journal.record(Record(incident=INCIDENT, approval=agreed(fake.updates[0][1])))
    again = await ana.post(f"{PAGE}/decision", json=body)
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
