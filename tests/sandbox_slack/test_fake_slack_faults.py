"""What goes wrong on demand, seen through the real client."""

import asyncio
import json

import pytest
from aiohttp import ClientError
from sandbox_slack.calling import Caller
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import SlackServer

pytestmark = pytest.mark.asyncio(loop_scope="session")
POST = "chat.postMessage"


@pytest.fixture(name="client")
def _client(slack: SlackServer) -> AsyncWebClient:
    """Tries nothing twice."""
    url = slack.api_url
    return AsyncWebClient(token=slack.bot_token, base_url=url, retry_handlers=[], timeout=5)


async def test_an_error_code_comes_as_often_as_asked(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    """And nothing is posted meanwhile."""
    slack.fail(POST, 2, "fatal_error")
    for _ in range(2):
        with pytest.raises(SlackApiError, match="fatal_error"):
            await client.chat_postMessage(channel="C0OPS", text="x")
    assert slack.messages("C0OPS") == []
    await client.chat_postMessage(channel="C0OPS", text="x")
    assert len(slack.messages("C0OPS")) == 1
    assert [c.error for c in slack.calls(POST)] == ["fatal_error", "fatal_error", ""]


async def test_a_limit_is_waited_out_by_the_library(slack: SlackServer) -> None:
    """429 with Retry-After, then it goes well: once."""
    slack.fail(POST, 1, "429", seconds=1)
    retry: list[AsyncRetryHandler] = [AsyncRateLimitErrorRetryHandler(max_retry_count=1)]
    client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=retry)
    await client.chat_postMessage(channel="C0OPS", text="x")
    assert [c.status for c in slack.calls(POST)] == [429, 200]
    assert len(slack.messages("C0OPS")) == 1


@pytest.mark.parametrize("how", ["500", "502"])
async def test_a_broken_server_answers_with_a_page(
    slack: SlackServer, client: AsyncWebClient, how: str
) -> None:
    """No JSON, and nothing posted."""
    slack.fail(POST, 1, how)
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel="C0OPS", text="x")
    assert caught.value.response.status_code == int(how)
    assert slack.messages("C0OPS") == []


async def test_a_connection_breaks_after_the_message_was_taken(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    """The client cannot know; the message is there."""
    slack.fail(POST, 1, "accepted_then_reset")
    with pytest.raises(ClientError):
        await client.chat_postMessage(channel="C0OPS", text="x")
    assert [m["text"] for m in slack.messages("C0OPS")] == ["x"]
    assert slack.calls(POST)[0].error == "accepted_then_reset"


async def test_a_connection_breaks_before_the_message_was_taken(
    slack: SlackServer, client: AsyncWebClient
) -> None:
    """It looks the same to the client, and nothing is there."""
    slack.fail(POST, 1, "reset_before")
    with pytest.raises(ClientError):
        await client.chat_postMessage(channel="C0OPS", text="x")
    assert slack.messages("C0OPS") == []


async def test_a_slow_answer_comes_after_the_client_gave_up(slack: SlackServer) -> None:
    """The message was taken long before."""
    slack.fail(POST, 1, "slow", seconds=3)
    url = slack.api_url
    client = AsyncWebClient(token=slack.bot_token, base_url=url, timeout=1, retry_handlers=[])
    with pytest.raises(asyncio.TimeoutError):
        await client.chat_postMessage(channel="C0OPS", text="x")
    assert len(slack.messages("C0OPS")) == 1


async def test_a_fault_may_wait_and_may_last(slack: SlackServer, call: Caller) -> None:
    """`after` calls go well; without a number it lasts until it is mended."""
    slack.fail("*", None, "service_unavailable", after=1)
    assert call.error("auth.test") == ""
    for _ in range(3):
        assert call.error("users.list") == "service_unavailable"
    slack.mend("*")
    assert call.error("auth.test") == ""
    with pytest.raises(TypeError, match="secs"):
        slack.fail("*", 1, "429", secs=3)


async def test_what_is_seen_cannot_be_changed_from_outside(
    slack: SlackServer, call: Caller
) -> None:
    """A test holds copies; and what there was can be read after the end."""
    call.post(blocks=[{"type": "divider"}])
    slack.messages("C0OPS")[0]["blocks"].clear()
    assert slack.messages("C0OPS")[0]["blocks"] != []
    slack.stop()
    slack.stop()
    assert json.dumps(slack.messages("C0OPS"))
    with pytest.raises(RuntimeError, match="does not run"):
        await asyncio.to_thread(slack.click, "U0ANA", "C0OPS", "1.0", "go")


async def test_a_server_starts_once_and_takes_no_port_of_others(slack: SlackServer) -> None:
    """A taken port is said at once."""
    with pytest.raises(RuntimeError, match="runs already"):
        slack.start()
    port = int(slack.url.rsplit(":", 1)[1])
    with pytest.raises(OSError, match="address already in use"):
        SlackServer(port=port).start()
    with pytest.raises(RuntimeError, match="no address yet"):
        _ = SlackServer().url
