"""`firebreak demo --slack --state`: killed, and started again on what it kept."""

from pathlib import Path

import httpx
import pytest

from contracts.policy import Policy
from contracts.slack import ids
from demo import POLICY_FILE
from demoslack import open_slack
from playing import FIRING_FILE
from roots.programs import Program, until
from roots.test_the_demo_in_slack import STORY_SECONDS, Seat, actions, incidents
from sandbox.scenario_file import find_scenario, read_scenario, seed
from settings import read_policy
from staging import FORGOT, channel_of


@pytest.fixture(name="policy", scope="module")
def _policy() -> Policy:
    """The demo's."""
    return read_policy(POLICY_FILE)


def test_its_page_opens_where_the_scenario_is_told(policy: Policy) -> None:
    """A node is no service's, so what is said of it stands in the common channel."""
    node = read_scenario(find_scenario("node_down"))
    assert (channel_of(seed(), policy), channel_of(node, policy)) == ("C0USERAUTH", "C0INCIDENTS")
    with open_slack(policy, 0, first="C0INCIDENTS") as slack:
        assert slack.page == f"{slack.server.url}/?as=U0ANA&in=C0INCIDENTS"


def test_what_the_stand_in_forgot_is_said(policy: Policy) -> None:
    """Beside its address, and after what else is unexpected."""
    with open_slack(policy, 0) as slack:
        assert slack.noting("").note == ""
        assert slack._replace(note="another port").noting(FORGOT).note == f"another port; {FORGOT}"


def test_a_demo_that_was_killed_goes_on_and_ends(tmp_path: Path) -> None:
    """Its cluster is new: the alerts about pods that are gone resolve, as they would."""
    words = ["demo", "--slack", "--port", "0", "--slack-port", "0", "--state", str(tmp_path / "s")]
    with Program(tmp_path, *words, "--json") as first:
        until(Seat(first.ready()["slack"]).question, STORY_SECONDS)
        first.kill()
    assert "user-auth" in (tmp_path / "s" / FIRING_FILE).read_text()
    with Program(tmp_path, *words, "--json") as second:
        ready = second.ready()
        ana = Seat(ready["slack"])
        until(lambda: _approved(ana) and incidents(ready["url"], "closed"), STORY_SECONDS)
        open_ones = [one for s in ("open", "waiting", "verifying") for one in _all(ready, s)]
        assert (open_ones, second.said()) == ([], "")
    assert (tmp_path / "s" / FIRING_FILE).read_text() == "[]"


def _all(ready: dict[str, str], status: str) -> list[dict[str, object]]:
    return incidents(ready["url"], status)


def _approved(ana: Seat) -> bool:
    """Approve whatever is asked: what was planned on the old cluster is void, and asked anew. A
    button may be gone before it is pressed.
    """
    for message in ana.messages():
        if ids.APPROVE in actions(message):
            where = {"channel_id": ana.channel, "ts": message["ts"], "action_id": ids.APPROVE}
            body = {"act": "click", "user": ana.user, **where}
            httpx.post(f"{ana.url}/page/act", json=body).raise_for_status()
    return True
