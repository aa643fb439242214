"""`docs/how-to/slack.md` as it stands there: its policy, `firebreak up`, and its first question."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client import ApiClient, AppsV1Api

from contracts.slack import ids
from devserver import free_port
from roots.programs import REPOSITORY, Program, ran, until
from roots.test_the_demo_in_slack import Seat, actions
from sandbox.scenario import connect, create_shop, read_deployment, wait_until_healthy
from sandbox.server import SandboxServer
from sandbox.slack import Channel, SlackServer, User, Workspace

PAGE = (REPOSITORY / "docs/how-to/slack.md").read_text()
OPS, ANA, BEN = "C0OPS12345", "U0ANA12345", "U0BEN12345"
SECONDS = 60.0


def command(start: str) -> list[str]:
    """The page's command that begins like this, without its program."""
    (line,) = re.findall(rf"^\$ ({re.escape(start)}.*)$", PAGE, re.MULTILINE)
    return str(line).split()[1:]


@pytest.fixture(name="slack")
def _slack() -> Iterator[SlackServer]:
    """A workspace with the page's people and channel, and the bot invited."""
    people = [User(ANA, "ana"), User(BEN, "ben")]
    workspace = Workspace(users=people, channels=[Channel(OPS, "ops")], usergroups=[])
    workspace.channels[0].members |= {ANA, BEN, workspace.bot_user}
    server = SlackServer(workspace, 0)
    server.start()
    yield server
    server.stop()


@pytest.fixture(name="kubeconfig")
def _kubeconfig(tmp_path: Path) -> Iterator[Path]:
    """A cluster."""
    with SandboxServer(tokens={"sandbox": "sandbox-admin"}) as server:
        yield server.write_kubeconfig(tmp_path / "kubeconfig")


@pytest.fixture(name="cluster")
def _cluster(kubeconfig: Path) -> Iterator[ApiClient]:
    """Who deploys to it: a healthy shop/user-auth."""
    api = connect(kubeconfig)
    create_shop(api)
    wait_until_healthy(api)
    yield api
    api.close()  # type: ignore[no-untyped-call]  # the client has no types


@pytest.fixture(name="given")
def _given(tmp_path: Path, slack: SlackServer, kubeconfig: Path) -> dict[str, str]:
    """The page's policy and variables, and where the stand-ins are."""
    (policy,) = re.findall(r"firebreak\.toml`:\n\n```toml\n(.*?)```", PAGE, re.DOTALL)[:1]
    (tmp_path / "firebreak.toml").write_text(policy)
    return {
        "FIREBREAK_SLACK_BOT_TOKEN": slack.bot_token,
        "FIREBREAK_SLACK_APP_TOKEN": slack.app_token,
        "FIREBREAK_SLACK_API_URL": slack.api_url,
        "FIREBREAK_KUBECONFIG": str(kubeconfig),
        "FIREBREAK_STATE": str(tmp_path / "state"),
        "FIREBREAK_PORT": str(free_port()),
        "FIREBREAK_TEMPORAL_ADDRESS": f"127.0.0.1:{free_port()}",
    }


def changed(api: ApiClient) -> None:
    """What the page's `kubectl set env` sends."""
    words = command("kubectl -n shop set env")
    name, _, value = words[-1].partition("=")
    assert (words[-2], name, value) == ("deployment/user-auth", "TRIED", "1")
    container = {"name": read_deployment(api)["spec"]["template"]["spec"]["containers"][0]["name"]}
    container |= {"env": [{"name": name, "value": value}]}
    patch = {"spec": {"template": {"spec": {"containers": [container]}}}}
    AppsV1Api(api).patch_namespaced_deployment("user-auth", "shop", patch)
    wait_until_healthy(api)


def question(seat: Seat) -> dict[str, Any]:
    """The message with a button to deny; empty while there is none."""
    return next((m for m in seat.messages() if ids.DENY in actions(m)), {})


def test_the_page_leads_from_a_token_to_a_denied_question(
    tmp_path: Path, given: dict[str, str], slack: SlackServer, cluster: ApiClient
) -> None:
    """Before `up` the doctor says what to start, afterwards that all is well. What finds nothing to
    do on the healthy workload says so in the channel; then Ben is asked and says no.
    """
    early = ran(tmp_path, "doctor", "--json", **given)
    wrong = {c["name"]: c["fix"] for c in early.json["checks"] if not c["ok"]}
    assert sorted(wrong) == ["Temporal", "database"]
    assert all("`firebreak up`" in fix for fix in wrong.values())
    (tmp_path / "up").mkdir()
    up = Program(tmp_path / "up", "up", "--json", FIREBREAK_CONFIG="../firebreak.toml", **given)
    with up:
        up.ready()
        until(lambda: slack.sockets, SECONDS)
        well = ran(tmp_path, *command("firebreak doctor"), "--json", **given)
        assert [c for c in well.json["checks"] if not c["ok"]] == []
        assert "posting to slack" in [c["name"] for c in well.json["checks"]]

        ben = Seat(f"{slack.url}/?as={BEN}&in={OPS}")
        in_vain = ran(tmp_path, *command("firebreak run"), **given)
        assert (in_vain.code, "/incidents/inc-" in in_vain.out) == (0, True)
        until(lambda: "older revision to return to" in str(ben.messages()), SECONDS)

        changed(cluster)
        ran(tmp_path, *command("firebreak run"), **given)
        found = until(lambda: question(ben), SECONDS)
        assert all(name in str(found["blocks"]) for name in (ANA, BEN))
        ben.click(found["ts"], ids.DENY)
        until(lambda: ben.state()["views"])
        ben.do("submit", values={ids.REASON: "only tried"})
        told = until(lambda: ben.answered(found["ts"]), SECONDS)
        assert ("only tried" in told, "Nothing was written" in told) == (True, True)
        assert up.stop().code == 0
