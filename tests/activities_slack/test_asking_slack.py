"""One call, one request: what an answer, and what no answer, means."""

import pytest
from pydantic import SecretStr
from slack_desk import OPS

from activities.slack.client import RETRY_AFTER_SECONDS_MAX, SlackApi, SlackRefusal, open_client
from contracts.errors import OutcomeUnknown, Unavailable
from contracts.slack.fates import Fate
from sandbox.slack.server import SlackServer


@pytest.fixture
def api(slack: SlackServer) -> SlackApi:
    """The bot's calls."""
    return SlackApi(open_client(SecretStr(slack.bot_token), slack.api_url))


def post(api: SlackApi) -> None:
    """Say something."""
    api.call("chat.postMessage", channel=OPS, text="hello", thread_ts=None)


@pytest.mark.parametrize("how", ["accepted_then_reset", "reset_before", "500", "502", "429"])
def test_nothing_is_sent_twice_by_itself(slack: SlackServer, api: SlackApi, how: str) -> None:
    """Whoever keeps the books decides whether it may be sent again."""
    slack.fail("chat.postMessage", None, how)
    with pytest.raises((OutcomeUnknown, Unavailable)):
        post(api)
    sent = 1 if how == "accepted_then_reset" else 0
    assert len(slack.messages(OPS)) == sent
    assert len(slack.calls("chat.postMessage")) == 1


def test_a_refusal_carries_its_code_its_fate_and_a_fix(slack: SlackServer, api: SlackApi) -> None:
    """The scope that lacks is named."""
    slack.workspace.scopes -= {"chat:write"}
    with pytest.raises(SlackRefusal) as caught:
        post(api)
    assert (caught.value.error, caught.value.fate) == ("missing_scope", Fate.FATAL)
    assert "chat:write" in caught.value.message
    assert "slack-manifest.yaml" in caught.value.fix


def test_a_pause_that_slack_asks_for_has_a_bound(slack: SlackServer, api: SlackApi) -> None:
    """An hour is not waited for."""
    slack.fail("chat.postMessage", how="429", seconds=3_600)
    with pytest.raises(Unavailable) as caught:
        post(api)
    assert caught.value.after_seconds == RETRY_AFTER_SECONDS_MAX


def test_what_never_left_is_not_in_doubt(slack: SlackServer, api: SlackApi) -> None:
    """Nobody listens there, so nobody can have taken it."""
    slack.go_away()
    with pytest.raises(Unavailable):
        post(api)
    slack.come_back()
    post(api)
    assert len(slack.messages(OPS)) == 1


def test_what_slack_cannot_do_now_it_may_do_later(slack: SlackServer, api: SlackApi) -> None:
    """A refusal that passes by itself is none."""
    slack.fail("chat.postMessage", how="team_added_to_org")
    with pytest.raises(Unavailable, match="team_added_to_org"):
        post(api)
