"""The command line's client, against the real app on a real port of the loopback."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from gateway_fakes import (
    APPROVAL,
    INCIDENT,
    RUN,
    WORKFLOW,
    FakeTemporal,
    agreed,
    approval,
    open_incident,
)

from contracts.calls import IncidentRef
from contracts.errors import (
    Expired,
    FirebreakError,
    InvalidInput,
    NotAllowed,
    NotFound,
    Rejected,
    Unavailable,
)
from gateway.client import Api
from gateway.doors import Doors
from gateway.errors import NotRecorded, Unauthenticated

START_SECONDS = 20.0


class Served:
    """An app on a free port, in a thread of its own, until `stop`."""

    def __init__(self, app: Any) -> None:
        config = uvicorn.Config(app, port=0, log_level="error", lifespan="off")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{asyncio.run(self._port())}"

    async def _port(self) -> int:
        async with asyncio.timeout(START_SECONDS):
            while not self._server.started:
                await asyncio.sleep(0.01)
        port: int = self._server.servers[0].sockets[0].getsockname()[1]
        return port

    def stop(self) -> None:
        """End it."""
        self._server.should_exit = True
        self._thread.join(START_SECONDS)


@pytest.fixture(name="api")
def _api(app: FastAPI, here: Doors, fake: FakeTemporal) -> Iterator[Api]:
    """Ana at the command line; an incident waits for her."""
    open_incident(here.journal, asked=approval())
    fake.running |= {WORKFLOW, RUN}
    fake.answers["decide"] = agreed
    served = Served(app)
    with Api(served.url, "token-ana") as api:
        yield api
    served.stop()


def test_every_route_of_the_command_line_answers(api: Api, fake: FakeTemporal) -> None:
    """One call of each method."""
    for name in ("take_over", "hand_back", "close", "run"):
        fake.answers[name] = IncidentRef(incident=INCIDENT, status="open")
    assert api.ready()["ready"] is True
    assert api.incidents(status="waiting")["items"][0]["id"] == INCIDENT
    assert api.incident(INCIDENT)["status"] == "waiting"
    assert api.runbooks()["items"] == []
    with pytest.raises(NotFound):
        api.runbook("a name/with a slash")
    assert api.approvals(state="open")["items"][0]["id"] == APPROVAL
    assert api.approval(APPROVAL)["needed"] == 1
    assert api.decide(APPROVAL, "approve")["state"] == "approved"
    assert api.take_over(INCIDENT)["incident"] == INCIDENT
    assert api.hand_back(INCIDENT, "done")["incident"] == INCIDENT
    assert api.close_incident(INCIDENT)["incident"] == INCIDENT
    body = {"runbook": "RestartCrashLoop", "target": "shop/deployment/user-auth"}
    assert api.run(body, key="k")["incident"] == INCIDENT
    assert api.pause("all", "deploy")["items"][0]["scope"] == "all"
    assert api.pauses()["items"][0]["reason"] == "deploy"
    assert api.resume("all")["items"] == []
    assert api.log({"seconds": 60, "text": "x"}, key="k")["seconds"] == 60
    assert len(api.me()["entries"]) == 1
    assert len(api.toil_report(weeks=3)["weeks"]) == 3


@pytest.mark.parametrize(
    ("told", "kind", "fix"),
    [
        (Expired("too late"), Expired, Expired.fix),
        (NotAllowed("only ben may decide this"), NotAllowed, "Ask one of them"),
        (Unavailable("away"), NotRecorded, NotRecorded.fix),
    ],
)
def test_a_refusal_is_the_error_that_it_was(
    api: Api, fake: FakeTemporal, told: FirebreakError, kind: type[FirebreakError], fix: str
) -> None:
    """With its fix."""
    fake.answers["decide"] = told
    with pytest.raises(kind) as caught:
        api.decide(APPROVAL, "approve")
    assert caught.value.fix.startswith(fix)


def test_what_is_not_there_and_what_is_wrong(api: Api) -> None:
    """404 and 422."""
    with pytest.raises(NotFound):
        api.incident("inc-none")
    with pytest.raises(InvalidInput):
        api.pause("nothing", "x")


def test_a_wrong_token_is_named(api: Api) -> None:
    """So that the command line can say which variable to set."""
    with Api(api.url, "wrong") as stranger, pytest.raises(Unauthenticated):
        stranger.incidents()


def test_a_gateway_that_is_away_is_unavailable() -> None:
    """Port 9 of the loopback serves nobody."""
    with (
        Api("http://127.0.0.1:9", "x") as api,
        pytest.raises(Unavailable, match="cannot be reached"),
    ):
        api.incidents()


def test_another_program_at_the_address_is_named(fake: FakeTemporal) -> None:
    """It answers, but not as a gateway."""

    async def other(scope: Any, receive: Any, send: Any) -> None:
        assert (scope["type"], receive) != (fake, None)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"<html>"})

    served = Served(other)
    with Api(served.url, "x") as api, pytest.raises(Rejected, match="without JSON"):
        api.incidents()
    served.stop()
