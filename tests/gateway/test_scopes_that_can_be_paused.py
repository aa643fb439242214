"""What may be paused: only what Firebreak could write to, whichever door it is paused from."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from gateway_fakes import NOW, POLICY, approval, plan

from contracts.catalogue import Served, ServedRunbook
from contracts.limits import Limits
from contracts.toil_text import SECONDS_MAX
from gateway.doors import Doors
from gateway.pausing import known_scopes, pauses_on

asynchronous = pytest.mark.asyncio(loop_scope="session")
Client = httpx.AsyncClient


def _serve(here: Doors, *names: str) -> None:
    """Let a worker tell of these runbooks."""
    told = tuple(
        ServedRunbook(name=name, title="t", fingerprint="f", path="p", autonomy="ask")
        for name in names
    )
    here.catalogue.serve(Served(at=NOW, runbooks=told))


@asynchronous
@pytest.mark.parametrize(
    ("scope", "message", "fix"),
    [
        ("namespace:shpo", "Firebreak writes in no namespace that is called 'shpo'", "Name shop"),
        ("cluster:prod", "cluster prod is not configured", "Name default"),
        ("runbook:restart_crash", "there is no runbook 'restart_crash'", "restart_crash_loop or"),
    ],
)
async def test_a_scope_that_stops_nothing_is_refused_with_those_that_do(
    ana: Client, here: Doors, scope: str, message: str, fix: str
) -> None:
    """Whoever believes to have paused the shop would not look again."""
    _serve(here, "drain_node", "restart_crash_loop")
    answer = await ana.put("/pause", json={"scope": scope, "reason": "x"})
    assert answer.status_code == 422
    assert answer.json()["error"]["message"] == message
    assert answer.json()["error"]["fix"].startswith("Nothing was paused.")
    assert fix in answer.json()["error"]["fix"]
    assert here.pauses.all() == ()


@asynchronous
async def test_a_runbook_is_not_refused_while_no_worker_has_told(ana: Client, here: Doors) -> None:
    """Nobody knows then which there are, and a person must be able to stop one."""
    body = {"scope": "runbook:restart_crash_loop", "reason": "x"}
    assert (await ana.put("/pause", json=body)).status_code == 200
    _serve(here, "other")
    assert (await ana.delete("/pause", params={"scope": body["scope"]})).status_code == 200


@asynchronous
async def test_the_page_offers_what_can_be_paused(
    http: Client, here: Doors, as_html: Callable[[], dict[str, str]]
) -> None:
    """Nobody has to know the names by heart; a browser completes them."""
    _serve(here, "restart_crash_loop")
    here.pauses.put("namespace:shop", "deploys", "ana", NOW)
    await http.post("/login", data={"token": "token-ana"}, headers=as_html())
    page = (await http.get("/pause", headers=as_html())).text
    assert "by Ana (ana) since" in page
    for scope in ("all", "cluster:default", "namespace:shop", "runbook:restart_crash_loop"):
        assert f'<option value="{scope}">' in page


def test_namespaces_are_those_of_the_allow_list_and_of_the_services(here: Doors) -> None:
    """Protected ones are never written to, so there is nothing to pause."""
    limits = Limits(namespaces=("web",))
    policy = POLICY.model_copy(update={"limits": limits})
    scopes = known_scopes(replace(here, policy=policy))
    assert scopes == ("all", "cluster:default", "namespace:shop", "namespace:web")


def test_a_drain_is_held_back_by_a_pause_of_what_it_would_move(here: Doors) -> None:
    """As the guardrails look at it right before the write."""
    here.pauses.put("namespace:web", "sale", "ben", NOW)
    here.pauses.put("namespace:other", "sale", "ben", NOW)
    asked = approval()
    assert pauses_on(here, asked) == ()
    also = plan().model_copy(update={"also_locks": ("default/web/Deployment/front",)})
    found = pauses_on(here, asked.model_copy(update={"plan": also}))
    assert [pause.scope for pause in found] == ["namespace:web"]


@asynchronous
async def test_one_limit_holds_for_all_work_that_is_logged(ana: Client) -> None:
    """The same twelve hours as in Slack, and said in hours."""
    longest = timedelta(hours=12).total_seconds()
    assert longest == SECONDS_MAX
    body = {"seconds": SECONDS_MAX, "text": "x"}
    assert (await ana.post("/toil/entries", json=body)).status_code == 201
    answer = await ana.post("/toil/entries", json=body | {"seconds": SECONDS_MAX + 3600})
    assert answer.status_code == 422
    told = answer.json()["error"]["message"]
    assert told == "seconds: 13 h is too long; log at most 12 h at once"
