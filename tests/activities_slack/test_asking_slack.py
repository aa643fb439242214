"""One call, one request: what an answer, and what no answer, means."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
from pydantic import SecretStr
from slack_desk import OPS
from upstreams import Upstream, serving

from activities.messages import LEASE_SECONDS
from activities.slack.client import (
    CALL_SECONDS,
    RETRY_AFTER_SECONDS_MAX,
    SlackApi,
    SlackRefusal,
    open_bot,
)
from activities.slack.poster import DELIVERY_SECONDS
from activities.slack.search import SETTLE_SECONDS
from contracts.errors import OutcomeUnknown, Unavailable
from contracts.slack.fates import Fate
from sandbox.slack.server import SlackServer


@pytest.fixture
def api(slack: SlackServer) -> SlackApi:
    """The bot's calls."""
    return SlackApi(open_bot(SecretStr(slack.bot_token), slack.api_url))


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


@pytest.fixture
def upstream(slack: SlackServer) -> Iterator[Upstream]:  # noqa: ARG001 - takes proxies away
    """What stands where Slack should be."""
    with serving() as server:
        yield server


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>captive</html>", b"[]", b'"x"', b"{", b'{"ok": false}', b'{"ok": true}', b"null"],
)
@pytest.mark.parametrize("kind", ["application/json", "text/html", "text/plain"])
def test_what_is_no_answer_of_slacks_tells_nothing(
    upstream: Upstream, body: bytes, kind: str
) -> None:
    """A proxy's page with a 200 is no refusal: Slack may have taken it."""
    upstream.says(body, Content_Type=kind)
    api = SlackApi(open_bot(SecretStr("xoxb-1"), f"{upstream.url}/api/"))
    if body == b'{"ok": true}' and kind == "application/json":
        post(api)
        return
    with pytest.raises(OutcomeUnknown):
        post(api)


def test_a_page_that_says_later_is_left_alone_for_so_long(upstream: Upstream) -> None:
    """A proxy in front of Slack may say it in its own words."""
    upstream.says(b"{too many", 429, Content_Type="application/json", Retry_After="9")
    api = SlackApi(open_bot(SecretStr("xoxb-1"), f"{upstream.url}/api/"))
    with pytest.raises(Unavailable) as caught:
        post(api)
    assert caught.value.after_seconds == 9


def test_an_answer_that_drips_in_is_given_up(slack: SlackServer) -> None:  # noqa: ARG001 - takes proxies away
    """Every byte comes in time, and all of it does not; nothing of it is sent later."""
    over, cut = threading.Event(), threading.Event()

    def drip(listening: socket.socket) -> None:
        line, _ = listening.accept()
        with line:
            line.recv(65_536)
            line.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not over.wait(0.02):
                try:
                    line.sendall(b"X")
                except OSError:
                    cut.set()
                    return

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=drip, args=(listening,))
        thread.start()
        client = open_bot(
            SecretStr("xoxb-1"), f"http://127.0.0.1:{listening.getsockname()[1]}/api/"
        )
        began = time.monotonic()
        with pytest.raises(OutcomeUnknown, match="TimeoutError"):
            post(SlackApi(client, call_seconds=0.3))
        assert time.monotonic() - began < 3
        assert cut.wait(5)
        over.set()
        thread.join()


def test_two_calls_of_a_post_and_one_before_end_within_the_lease() -> None:
    """Nobody else may post before the first one surely is over, nor take the delivery over."""
    assert 2 * CALL_SECONDS < SETTLE_SECONDS
    assert DELIVERY_SECONDS + 2 * CALL_SECONDS < LEASE_SECONDS
