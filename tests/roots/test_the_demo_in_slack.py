"""`firebreak demo --slack`: the story in a stand-in for Slack, clicked as its page does it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlmodel import col

import demoslack
from contracts.errors import InvalidInput, Unavailable
from contracts.policy import Policy, SlackPolicy
from contracts.slack import ids
from demo import POLICY_FILE, RESPONDER_TOKEN
from demoslack import open_slack
from gateway.app import slack_keys
from roots.programs import Program, ran, until
from settings import read_policy, read_settings
from stack import listening
from toil.database import open_engine
from toil.tables import MessageRow

Json = dict[str, Any]
STORY_SECONDS = 90.0


class Seat:
    """Somebody before the page: what they see, and what they click."""

    def __init__(self, page: str, user: str = "") -> None:
        parts = urlsplit(page)
        query = parse_qs(parts.query)
        self.url = f"{parts.scheme}://{parts.netloc}"
        self.user, self.channel = user or query["as"][0], query["in"][0]

    def state(self) -> Json:
        """All that they see."""
        answer = httpx.get(f"{self.url}/page/state", params={"as": self.user})
        return dict(answer.raise_for_status().json())

    def messages(self) -> list[Json]:
        """The messages of the channel, those of threads too."""
        return list(self.state()["messages"][self.channel])

    def question(self) -> Json:
        """The message with a button to approve; empty while there is none."""
        return next((m for m in self.messages() if ids.APPROVE in actions(m)), {})

    def shown(self, ts: str) -> str:
        """What one message shows now."""
        return str(next(m["blocks"] for m in self.messages() if m["ts"] == ts))

    def answered(self, ts: str) -> str:
        """The same once it cannot be answered any more, empty before."""
        shown = self.shown(ts)
        return "" if ids.APPROVE in shown else shown

    def do(self, act: str, **args: Any) -> None:
        """Act, and see it taken."""
        body = {"act": act, "user": self.user, **args}
        done = httpx.post(f"{self.url}/page/act", json=body).raise_for_status().json()
        assert done == {"ok": True, "error": ""}

    def click(self, ts: str, action: str) -> None:
        """Press a button of a message."""
        self.do("click", channel_id=self.channel, ts=ts, action_id=action)


def actions(message: Json) -> list[str]:
    """The action ids of its buttons."""
    blocks = [b for b in message.get("blocks", []) if b["type"] == "actions"]
    return [one["action_id"] for block in blocks for one in block["elements"]]


@pytest.fixture(name="demo")
def _demo(tmp_path: Path) -> Iterator[Program]:
    """A demo for people, with its Slack on a free port."""
    ports = ("--port", "0", "--slack-port", "0")
    with Program(tmp_path, "demo", "--slack", *ports, "--json") as program:
        yield program


def test_a_click_on_approve_heals_and_the_message_says_by_whom(
    demo: Program, tmp_path: Path
) -> None:
    """In the service's channel, as Ana, whom the page is opened for; the end leaves nothing."""
    ready = demo.ready()
    ana = Seat(ready["slack"])
    asked = until(ana.question, STORY_SECONDS)
    named = {channel["id"]: channel["name"] for channel in ana.state()["channels"]}
    assert (ana.user, named[ana.channel]) == ("U0ANA", "user-auth")
    assert slack_checks(tmp_path / "doctor", ready["state"]) == [True]

    ana.click(asked["ts"], ids.APPROVE)
    told = until(lambda: ana.answered(asked["ts"]), STORY_SECONDS)
    assert ("approved" in told.lower(), "U0ANA" in told, "U0BEN" in told) == (True, True, False)
    (incident,) = until(lambda: incidents(ready["url"], "closed"), STORY_SECONDS)
    assert incident["outcome"] == "resolved"
    until(lambda: incident["summary"] in ana.shown(asked["thread_ts"]), STORY_SECONDS)

    assert (demo.stop().code, demo.said()) == (0, "")
    assert list(tmp_path.glob("firebreak-demo-*")) == []


def slack_checks(folder: Path, state: str) -> list[bool]:
    """What `firebreak doctor --state` says of Slack."""
    folder.mkdir()
    doctor = ran(folder, "doctor", "--state", state, "--json").json
    return [check["ok"] for check in doctor["checks"] if check["name"] == "slack"]


def incidents(url: str, status: str) -> list[Json]:
    """Those in that state, as the API gives them to Ana."""
    headers = {"Authorization": f"Bearer {RESPONDER_TOKEN}", "Accept": "application/json"}
    answer = httpx.get(f"{url}/incidents?status={status}", headers=headers)
    return list(answer.raise_for_status().json()["items"])


def test_who_may_not_decide_changes_nothing_and_who_may_denies_with_a_reason(
    demo: Program,
) -> None:
    """Mia manages: she is told why not, and Ben's answer counts."""
    ready = demo.ready()
    mia, ben = Seat(ready["slack"], "U0MIA"), Seat(ready["slack"], "U0BEN")
    asked = until(mia.question, STORY_SECONDS)
    mia.click(asked["ts"], ids.APPROVE)
    until(lambda: mia.state()["views"] or any(m.get("only_you") for m in mia.messages()))
    assert not ben.answered(asked["ts"])

    ben.click(asked["ts"], ids.DENY)
    until(lambda: ben.state()["views"])
    ben.do("submit", values={ids.REASON: "not during the sale"})
    told = until(lambda: ben.answered(asked["ts"]), STORY_SECONDS)
    assert ("denied" in told.lower(), "not during the sale" in told) == (True, True)


def test_a_story_without_people_is_told_in_slack_too(tmp_path: Path) -> None:
    """Its object is the same; what was posted stands in the books that were kept."""
    state = tmp_path / "kept"
    words = ("--once", "--deny", "not tonight", "--slack", "--state", str(state), "--json")
    done = ran(tmp_path, "demo", *words)
    assert (done.code, done.err, done.json["ok"]) == (0, "", True)
    engine = open_engine(f"sqlite:///{state / 'firebreak.db'}")
    with Session(engine) as session:
        posted = set(session.scalars(select(col(MessageRow.channel))))
    engine.dispose()
    number = done.json["incident"].removeprefix("inc-")
    assert {"slack/card", f"slack/apr-{number}-1-1"} <= posted


@pytest.fixture(name="policy", scope="module")
def _policy() -> Policy:
    """The demo's."""
    return read_policy(POLICY_FILE)


def test_everybody_of_the_policy_is_in_its_channels(policy: Policy) -> None:
    """The service's own comes first; what has none has the common one."""
    with open_slack(policy, 0) as slack:
        channels = slack.server.workspace.channels
        assert [(c.id, c.name) for c in channels] == [
            ("C0USERAUTH", "user-auth"),
            ("C0INCIDENTS", "incidents"),
        ]
        people = {person.slack for person in policy.people if person.slack}
        assert {"U0ANA", "U0BEN", "U0MIA"} <= people
        assert all(c.members == people | {slack.server.workspace.bot_user} for c in channels)
        assert slack.page == f"{slack.server.url}/?as=U0ANA&in=C0USERAUTH"
        assert (slack.reader, slack.note) == ("Ana Ruiz", "")


def test_the_stand_in_is_used_whatever_the_environment_says(
    policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A demo never speaks to somebody's own workspace."""
    monkeypatch.setenv("FIREBREAK_SLACK_BOT_TOKEN", "xoxb-of-a-workspace")
    monkeypatch.setenv("FIREBREAK_SLACK_SIGNING_SECRET", "of-a-workspace")
    with open_slack(policy, 0) as slack:
        keys = slack_keys(read_settings(**slack.settings))
    assert (keys.bot, keys.app) == (
        SecretStr(slack.server.bot_token),
        SecretStr(slack.server.app_token),
    )
    assert (keys.signing, keys.api_url) == (None, slack.server.api_url)


def test_its_page_has_the_same_port_each_time_and_another_where_that_is_taken(
    policy: Policy,
) -> None:
    """So that it can be bookmarked, and two demos can run at once."""
    with open_slack(policy) as first:
        assert first.note or first.server.url == f"http://127.0.0.1:{demoslack.PORT}"
        with open_slack(policy) as second:
            assert second.server.url != first.server.url
            assert str(demoslack.PORT) in second.note


def test_a_port_that_was_asked_for_and_is_taken_is_refused(policy: Policy) -> None:
    """Nobody is sent elsewhere than they said."""
    with listening("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(InvalidInput, match=f"port {port} .*: Address already in use") as refused,
            open_slack(policy, port),
        ):
            pass
    assert "--slack-port" in refused.value.fix


def test_a_policy_that_has_nobody_or_nothing_in_slack_is_refused(policy: Policy) -> None:
    """With what to write."""
    silent = policy.model_copy(update={"services": (), "slack": SlackPolicy()})
    with pytest.raises(InvalidInput, match="no Slack channel"), open_slack(silent, 0):
        pass
    managers = tuple(person for person in policy.people if "responder" not in person.roles)
    alone = policy.model_copy(update={"people": managers})
    with pytest.raises(InvalidInput, match="nobody of the policy"), open_slack(alone, 0):
        pass


@pytest.mark.asyncio(loop_scope="session")
async def test_a_gateway_that_does_not_listen_is_told(
    policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Instead of a page whose buttons do nothing."""
    monkeypatch.setattr(demoslack, "HEARD_SECONDS_MAX", 0.1)
    with open_slack(policy, 0) as slack, pytest.raises(Unavailable, match="does not listen"):
        await slack.heard()
