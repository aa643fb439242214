"""A story, played on real parts: something breaks, alerts fire, people answer, it is healed or not.

It talks to the gateway over HTTP as Alertmanager and people do; nothing here reaches inside, starts
a part, or knows how a story should end: that is for `staging` and `rehearsal`.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple

import httpx
from kubernetes.client import ApiClient
from pydantic import BaseModel

from contracts.case import OutcomeStatus
from contracts.errors import Unavailable
from sandbox.ground import Ground
from sandbox.notifications import resolved
from sandbox.props import ends_well, happen, is_mended
from sandbox.scenario import read_deployment
from sandbox.scenario_file import Plot
from stack import Stack, write_private
from toil.ledger import Ledger

ALERTS_TOKEN = "demo-alerts"  # noqa: S105 - public on purpose; the demo is loopback only
RESPONDER_TOKEN = "demo-ana"  # noqa: S105
ADMIN_TOKEN = "demo-admin"  # noqa: S105
USER_AGENT = "firebreak"
FIRING_FILE = "firing.json"
STORY_SECONDS_MAX = 60.0
# An incident that escalates before a runbook ran may yet find one when a later alert comes in.
LONELY_SECONDS = 5.0
_POLL_SECONDS = 0.1

Json = dict[str, Any]
Alerts = Callable[[list[Json], datetime], list[Json]]
Ending = Literal["approve", "deny", "expire"]


class Choice(NamedTuple):
    """How the story goes without a person."""

    ending: Ending
    reason: str = ""


class Story(BaseModel):
    """What came of it: the one object of `firebreak demo --once --json`. The effective writes are
    null where the cluster does not tell them.
    """

    ok: bool
    incident: str
    outcome: OutcomeStatus | None
    target: str
    receipts: int
    effective_writes: int | None
    observations: int
    entries: int
    seconds_to_heal: float | None


class Ended(NamedTuple):
    """The story, and what else there is to judge it by. `answers` are those that people gave."""

    story: Story
    runbook: str | None
    summary: str
    healthy: bool
    answers: int
    timeline: tuple[Json, ...]


class Demo:
    """One playing of a plot, against a gateway and a cluster that run already.

    `alerts` makes the notifications of the sick pods and the time.
    """

    def __init__(self, stack: Stack, ground: Ground, plot: Plot, alerts: Alerts) -> None:
        self._http = httpx.AsyncClient(base_url=stack.ready.url, timeout=10)
        self._cluster: ApiClient = ground.connect()
        self._ground = ground
        self._ledger = Ledger(stack.engine)
        self._plot = plot
        self._alerts = alerts
        self._firing = Path(stack.ready.state) / FIRING_FILE
        self._sent: list[Json] = []
        self._fingerprints: set[str] = set()
        self._began = datetime.now(UTC)
        self._healed: datetime | None = None
        self._broken: Json = {}
        self._answered: set[str] = set()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()
        self._cluster.close()  # type: ignore[no-untyped-call]

    async def begin(self) -> None:
        """Break something, or not, and send the alerts that follow."""
        try:
            pods = await asyncio.to_thread(happen, self._cluster, self._plot)
        except TimeoutError as err:
            raise Unavailable(f"the cluster does not break as it should: {err}") from err
        self._broken = await self._deployment()
        self._began = datetime.now(UTC)
        self._sent = self._alerts(pods, self._began)
        await self._notify(self._sent)
        await self._notify([resolved(body, self._began) for body in self._left_firing()])
        self._keep_firing(self._sent)

    def _left_firing(self) -> list[Json]:
        """What an earlier story on this state let fire. Its pods are gone with their cluster, so an
        Alertmanager would resolve it; without that its incident would wait for ever.
        """
        try:
            bodies = json.loads(self._firing.read_text())
        except (FileNotFoundError, ValueError):
            return []
        now = {key for body in self._sent for key in _fingerprints(body)}
        return [body for body in bodies if not now & _fingerprints(body)]

    def _keep_firing(self, bodies: list[Json]) -> None:
        write_private(self._firing, json.dumps(bodies))

    async def _deployment(self) -> Json:
        return await asyncio.to_thread(read_deployment, self._cluster, self._plot.workload)

    async def _notify(self, bodies: list[Json]) -> None:
        for body in bodies:
            answer = await self._call("POST", "/alerts/alertmanager", ALERTS_TOKEN, json=body)
            self._fingerprints |= {item["fingerprint"] for item in answer["accepted"]}

    async def _call(self, method: str, path: str, token: str, **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        response = await self._http.request(method, path, headers=headers, **more)
        if response.is_error:
            raise Unavailable(f"{method} {path}: {response.status_code} {response.text[:300]}")
        return response.json()

    async def heal(self) -> None:
        """Wait until somebody has mended what broke; then resolve the alerts."""
        while self._healed is None:
            await self._resolve_if_healed()
            await asyncio.sleep(_POLL_SECONDS)

    async def _resolve_if_healed(self) -> None:
        if self._healed is not None:
            return
        if await asyncio.to_thread(is_mended, self._cluster, self._plot, self._broken):
            self._healed = datetime.now(UTC)
            await self._notify([resolved(body, self._healed) for body in self._sent])
            self._keep_firing([])

    async def play(self, choice: Choice, within_seconds: float = STORY_SECONDS_MAX) -> Ended:
        """Play it to its end without a person, or until that many seconds have passed.

        Raises:
            Unavailable: a part does not answer, or no incident was opened.

        """
        await self.begin()
        incident: Json = {}
        try:
            async with asyncio.timeout(within_seconds):
                async with aclosing(self._incidents()) as looks:
                    async for incident in looks:
                        await self._answer(incident["id"], choice)
                        await self._resolve_if_healed()
        except TimeoutError:
            if not incident:
                raise Unavailable(f"no incident in {within_seconds:.0f} s") from None
        return await self._ended(incident["id"])

    async def _incidents(self) -> AsyncGenerator[Json, None]:
        """The incident of these alerts, each time it is looked at, until it is over."""
        moved, since = "", datetime.now(UTC)
        while True:
            page = await self._call("GET", "/incidents?limit=20", ADMIN_TOKEN)
            incident = next((item for item in page["items"] if self._is_mine(item)), None)
            if incident is not None:
                yield incident
                now = datetime.now(UTC)
                stand = f"{incident['status']} {incident['outcome']}"
                moved, since = stand, since if stand == moved else now
                if _is_over(incident, (now - since).total_seconds()):
                    return
            await asyncio.sleep(_POLL_SECONDS)

    def _is_mine(self, incident: Json) -> bool:
        """By its alerts: a state folder that was kept holds the incidents of earlier stories."""
        began = self._began.replace(microsecond=0)
        return any(
            alert["fingerprint"] in self._fingerprints
            and datetime.fromisoformat(alert["starts_at"]) >= began
            for alert in incident["alerts"]
        )

    async def _answer(self, incident: str, choice: Choice) -> None:
        """Decide what is asked and was not answered."""
        if choice.ending == "expire":
            return
        page = await self._call("GET", "/approvals?state=open", ADMIN_TOKEN)
        for asked in page["items"]:
            if asked["incident"] == incident and asked["id"] not in self._answered:
                said = {"decision": choice.ending, "reason": choice.reason}
                said["digest"] = asked["plan"]["digest"]
                path = f"/approvals/{asked['id']}/decision"
                await self._call("POST", path, RESPONDER_TOKEN, json=said)
                self._answered.add(asked["id"])

    async def _ended(self, number: str) -> Ended:
        incident = await self._call("GET", f"/incidents/{number}", ADMIN_TOKEN)
        deployment = await self._deployment()
        observations = await asyncio.to_thread(self._ledger.observations, incident=number)
        entries = await asyncio.to_thread(self._ledger.entries, incident=number)
        healed = (self._healed - self._began).total_seconds() if self._healed else None
        story = Story(
            ok=False,
            incident=number,
            outcome=incident["outcome"],
            target=_target(incident["target"]),
            receipts=[item["type"] for item in incident["timeline"]].count("written"),
            effective_writes=self._ground.writes(USER_AGENT, self._broken, deployment),
            observations=len(observations),
            entries=len(entries),
            seconds_to_heal=None if healed is None else round(healed, 1),
        )
        return Ended(
            story,
            runbook=next(iter(reversed(incident["runbooks"])), None),
            summary=_why(incident),
            healthy=await asyncio.to_thread(ends_well, self._cluster, self._plot),
            answers=len(self._answered),
            timeline=tuple(incident["timeline"]),
        )


def _fingerprints(body: Json) -> set[str]:
    return {str(alert["fingerprint"]) for alert in body["alerts"]}


def _target(target: dict[str, str] | None) -> str:
    return f"{target['namespace']}/{target['kind'].lower()}/{target['name']}" if target else ""


def _why(incident: Json) -> str:
    """The runbook's own sentence, or what the incident said last when none ran."""
    return str(incident["summary"] or incident["timeline"][-1]["text"])


def _is_over(incident: Json, unchanged_seconds: float) -> bool:
    if incident["outcome"] == "resolved":
        return bool(incident["status"] == "closed")
    lonely = incident["status"] == "escalated" and unchanged_seconds >= LONELY_SECONDS
    return incident["outcome"] is not None or lonely
