"""A house that speaks with a strict stand-in for Slack, and what its people do there."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from subprocess import Popen
from typing import Any, NamedTuple

import httpx
from sqlalchemy import select
from sqlmodel import col

from contracts.slack import ids
from contracts.slack.ids import METADATA_EVENT
from devserver import free_port
from endtoend.house import ANA_TOKEN, POLICY, House
from sandbox.slack import Channel, SlackServer, User, Workspace
from sandbox.slack.delivery import Delivery
from sandbox.slack.workspace import BOT_USER
from toil.database import open_engine, writing
from toil.tables import MessageRow

SHOP = "C0SHOP"
ANA, BEN, CLEO, GUS, DAN = "U0ANA", "U0BEN", "U0CLEO", "U0GUS", "U0DAN"
QUICK_SECONDS = 20.0
# Everybody here is among the approvers but Dan; Gus is a guest of the workspace.
PEOPLE = """
[[people]]
id = "cleo"
name = "Cleo"
slack = "U0CLEO"

[[people]]
id = "gus"
name = "Gus"
slack = "U0GUS"

[[people]]
id = "dan"
name = "Dan"
slack = "U0DAN"

[[services]]
name = "shop"
matchers = ['namespace=~"row-.+"']
team = "identity"
channel = "C0SHOP"
approvers = ["ana", "ben", "cleo", "gus"]

[[services]]
name = "by-hand"
target = { cluster = "default", namespace = "row-29", kind = "Deployment", name = "web" }
team = "identity"
channel = "C0SHOP"
approvers = ["ana", "ben", "cleo"]

[slack]
channel = "C0OPS"
pages = ["dan"]

[[sources]]
"""
NO_PROXY = dict.fromkeys(("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"), "")


def slack_policy(incident: str = "", **limits: int) -> str:
    """The house's policy with Slack in it; `incident` are further lines of that table."""
    found = POLICY
    for name in ("Ana", "Ben"):
        found = found.replace(f'name = "{name}"', f'name = "{name}"\nslack = "U0{name.upper()}"')
    found = found.replace("[[sources]]", PEOPLE.strip(), 1)
    lines = "".join(f"{name} = {number}\n" for name, number in limits.items())
    return found.replace("[limits]\n", f"[limits]\n{lines}", 1) + incident


def workspace() -> Workspace:
    """The service's channel, and Gus who is a guest in it."""
    made = Workspace()
    made.users.append(User(GUS, "gus", "gus@example.com", is_restricted=True))
    made.users.append(User(DAN, "dan", "dan@example.com"))
    made.channels.append(Channel(SHOP, "shop", {ANA, BEN, CLEO, GUS, DAN, BOT_USER}))
    return made


class Asked(NamedTuple):
    """An open question, and where its message is in Slack."""

    id: str
    incident: str
    ts: str


class SlackHouse(House):
    """The house with Slack between its processes. Each process is given the same keys; the first
    gateway may be one that does not hear Slack.
    """

    def __init__(self, folder: Path, *, deaf: bool = False) -> None:
        super().__init__(folder)
        self.slack = SlackServer(workspace())
        self._unheard = {"FIREBREAK_SLACK_APP_TOKEN": ""} if deaf else {}

    async def start(self, policy: str = "") -> None:
        """The fake first: the gateway connects to it."""
        self.slack.start()
        await super().start(policy or slack_policy())

    async def stop(self) -> None:
        """End every process, and Slack last."""
        await super().stop()
        self.slack.stop()

    def spawn(self, module: str, *arguments: str, **extra: str) -> "Popen[bytes]":
        """With the keys that Slack gave the app."""
        keys = {
            "FIREBREAK_SLACK_API_URL": self.slack.api_url,
            "FIREBREAK_SLACK_BOT_TOKEN": self.slack.bot_token,
            "FIREBREAK_SLACK_APP_TOKEN": self.slack.app_token,
        }
        unheard, self._unheard = self._unheard, {}
        return super().spawn(module, *arguments, **{**NO_PROXY, **keys, **unheard, **extra})

    async def gateway(self, module: str = "cli", *arguments: str) -> "Popen[bytes]":
        """One more gateway, once Slack speaks with it, too."""
        before = len(self.slack.sockets)
        first = arguments or ("gateway", "--port", str(free_port()))
        made = self.spawn(module, *first)
        await self.until(lambda: len(self.slack.sockets) > before)
        return made

    async def connected(self, gateways: int = 1) -> None:
        """Wait until so many gateways hear Slack."""
        await self.until(lambda: len(self.slack.sockets) >= gateways)

    # What is there.

    def messages(self, incident: str) -> dict[str, list[dict[str, Any]]]:
        """The messages of an incident in its channel by what they stand for: `card`, `<approval>`,
        `<approval>/reminder`. More than one of a kind is a mistake.
        """
        found: dict[str, list[dict[str, Any]]] = {}
        for message in self.slack.messages(SHOP):
            own, _, part = _key(message).partition("/slack/")
            if own == incident:
                found.setdefault(part, []).append(message)
        return found

    def only(self, incident: str, part: str) -> dict[str, Any] | None:
        """The one message of that part, if it is there; two are an AssertionError."""
        return _at_most_one(self.messages(incident).get(part, []), part)

    async def ask(self, namespace: str) -> Asked:
        """Break the deployment, alert, and wait for the question in Slack."""
        await self.break_deployment(namespace)
        await self.alert(namespace)
        return await self.asked(namespace)

    async def asked(self, namespace: str) -> Asked:
        """The open question of that namespace's deployment, once it is shown in Slack."""
        return await self.shown(await self.open_approval(namespace))

    async def shown(self, approval: dict[str, Any]) -> Asked:
        """The message of a question, once it is there."""
        find = partial(self.only, approval["incident"], approval["id"])
        message = await self.until(find)
        return Asked(approval["id"], approval["incident"], message["ts"])

    def text(self, asked: Asked, part: str = "") -> str:
        """All the words of a message of the incident: of the question itself, or of that part."""
        message = self.only(asked.incident, part or asked.id)
        return words(message["blocks"]) if message else ""

    def buttons(self, asked: Asked) -> set[str]:
        """The names of the question's buttons and menus."""
        message = self.only(asked.incident, asked.id)
        blocks = message["blocks"] if message else []
        rows = (block["elements"] for block in blocks if block["type"] == "actions")
        return {element["action_id"] for row in rows for element in row}

    async def says(self, asked: Asked, *told: str, part: str = "") -> str:
        """Wait until a message holds these words; all of its words."""

        def found() -> str:
            text = self.text(asked, part)
            return text if all(word in text for word in told) else ""

        try:
            return str(await self.until(found, QUICK_SECONDS))
        except TimeoutError:
            raise AssertionError(f"{told} is not in: {self.text(asked, part)}") from None

    async def told(self, user: str) -> str:
        """The words of the window that a person sees, once there is one; it is closed."""
        await self.until(lambda: self.slack.views_of(user), QUICK_SECONDS)
        text = words(self.slack.views_of(user)[-1])
        await self.act(self.slack.close_view, user)
        return text

    async def approval(self, asked: Asked) -> dict[str, Any]:
        """The question as the journal has it."""
        found: dict[str, Any] = await self.api("GET", f"/approvals/{asked.id}")
        return found

    def posted(self, *channels: str) -> list[str]:
        """What was posted anew, as keys, oldest first; edits are no posts."""
        calls = self.slack.calls("chat.postMessage")
        keys = [_key(call.args) for call in calls]
        return [key for key in keys if not channels or key.startswith(channels)]

    async def votes(self, asked: Asked) -> list[tuple[str, str, str]]:
        """Who said what through which door, in order."""
        found = (await self.approval(asked))["votes"]
        return [(vote["person"], vote["decision"], vote["via"]) for vote in found]

    async def state(self, asked: Asked, state: str) -> bool:
        """Whether the journal has the question in that state."""
        return bool((await self.approval(asked))["state"] == state)

    def own(self, user: str, asked: Asked) -> dict[str, Any] | None:
        """What a person was told of the question in person; twice is an AssertionError."""
        prefix = f"{asked.incident}/slack/{asked.id}/dm/"
        found = [m for m in self.slack.dms.get(user, []) if _key(m).startswith(prefix)]
        return _at_most_one(found, f"what {user} is told")

    def called(self, user: str, asked: Asked) -> list[dict[str, Any]]:
        """The incident's messages in a person's own conversation."""
        prefix = f"{asked.incident}/slack/called/dm/"
        return [m for m in self.slack.dms.get(user, []) if _key(m).startswith(prefix)]

    async def answers(self, port: str) -> bool:
        """Whether a gateway of this machine serves."""
        try:
            answer = await self.http.get(f"http://127.0.0.1:{port}/readyz")
        except httpx.TransportError:
            return False
        return answer.status_code == httpx.codes.OK

    async def ready(self) -> dict[str, Any]:
        """What the first gateway says of itself."""
        answer = await self.http.get("/readyz")
        assert answer.status_code == httpx.codes.OK
        found: dict[str, Any] = answer.json()
        return found

    async def figure(self, name: str) -> float:
        """One figure of the first gateway's metrics."""
        headers = {"Authorization": f"Bearer {ANA_TOKEN}"}
        lines = (await self.http.get("/metrics", headers=headers)).text.splitlines()
        return next(float(line.split()[-1]) for line in lines if line.startswith(f"{name} "))

    # What people do.

    async def act(self, do: Callable[..., Any], *arguments: Any) -> Any:
        """Act from another thread, because the app answers on this loop's machine."""
        return await asyncio.to_thread(do, *arguments)

    async def click(self, user: str, asked: Asked, action: str = ids.APPROVE) -> Delivery:
        """Press a button of the question."""
        done = await self.act(self.slack.click, user, SHOP, asked.ts, action)
        assert isinstance(done, Delivery)
        return done

    async def deny(self, user: str, asked: Asked, reason: str) -> Delivery:
        """Press Deny…, and send the reason."""
        await self.click(user, asked, ids.DENY)
        await self.until(lambda: self.slack.views_of(user), QUICK_SECONDS)
        done = await self.act(self.slack.submit, user, {ids.REASON: reason})
        assert isinstance(done, Delivery)
        return done

    async def healed(self, namespace: str) -> None:
        """Wait until the deployment is what it was."""
        await self.until(lambda: self.image(namespace).endswith(":1.0"))

    async def resolved(self, namespace: str, asked: Asked) -> dict[str, Any]:
        """The alert resolves, and the incident closes."""
        await self.alert(namespace, "resolved")
        return await self.incident(asked.incident, "closed")

    # What time does to the books.

    def pass_time(self, incident: str, seconds: int) -> None:
        """Have the leases and the posts of an incident's messages begin so much earlier."""
        engine, earlier = open_engine(self.database), timedelta(seconds=seconds)
        try:
            with writing(engine) as session:
                mine = select(MessageRow).where(col(MessageRow.incident) == incident)
                for row in session.scalars(mine):
                    row.lease_until = row.lease_until and row.lease_until - earlier
                    row.posting_at = row.posting_at and row.posting_at - earlier
        finally:
            engine.dispose()


def _at_most_one(found: list[dict[str, Any]], what: str) -> dict[str, Any] | None:
    assert len(found) <= 1, f"{what} was posted {len(found)} times"
    return found[0] if found else None


def _key(message: dict[str, Any]) -> str:
    """`<incident>/slack/<part>`: the object that a message of ours stands for."""
    metadata = message.get("metadata") or {}
    if metadata.get("event_type") != METADATA_EVENT:
        return ""
    return str(metadata["event_payload"]["key"])


@asynccontextmanager
async def slack_house(
    folder: Path, policy: str = "", *, gateways: int = 1
) -> AsyncIterator[SlackHouse]:
    """A house at work: one worker, and so many gateways that hear Slack."""
    house = SlackHouse(folder)
    try:
        await house.start(policy)
        for _ in range(gateways - 1):
            await house.gateway()
        await house.connected(gateways)
        house.worker()
        yield house
    finally:
        await house.stop()


def words(told: Any) -> str:
    """All the words of a piece of Block Kit in their order; people are `@U…`."""
    if isinstance(told, list):
        return " ".join(filter(None, map(words, told)))
    if not isinstance(told, dict):
        return ""
    if told.get("type") == "user":
        return f"@{told['user_id']}"
    own = [str(told[key]) for key in ("text", "fallback") if isinstance(told.get(key), str)]
    return " ".join(filter(None, [*own, *map(words, told.values())]))
