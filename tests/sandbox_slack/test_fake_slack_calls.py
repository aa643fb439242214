"""Who may call what, and how every refusal of the Web API reads."""

from typing import Any

import pytest
from sandbox_slack.calling import Caller, Clock, actions, button

from sandbox.slack import SlackServer


def test_a_call_without_a_token_is_not_authed(call: Caller) -> None:
    """Nothing is done for nobody; a token inside JSON does not count."""
    call.token = ""
    assert call.error("auth.test") == "not_authed"
    token = call.slack.bot_token
    assert call.error("auth.test", token=token) == "not_authed"
    assert call.raw("auth.test", data={"token": token}).json()["ok"]


def test_an_unknown_token_is_invalid(call: Caller) -> None:
    """Slack does not say which part of it is wrong."""
    call.token = "xoxb-guess"
    assert call.error("chat.postMessage", channel="C0OPS", text="x") == "invalid_auth"


@pytest.mark.parametrize("method", ["chat.postMessage", "auth.test"])
def test_the_apps_token_only_opens_sockets(call: Caller, method: str) -> None:
    """And the bot's token opens none."""
    assert call.error("apps.connections.open") == "not_allowed_token_type"
    call.token = call.slack.app_token
    assert call.error(method) == "not_allowed_token_type"
    assert call("apps.connections.open")["url"].startswith("ws://127.0.0.1:")


def test_a_revoked_token_is_refused_until_it_is_good_again(call: Caller) -> None:
    """`revoke` takes any of the codes with which Slack says so."""
    call.slack.revoke("account_inactive")
    assert call.error("auth.test") == "account_inactive"
    call.slack.revoke("")
    assert call.error("auth.test") == ""


def test_a_missing_scope_is_named_with_those_that_are_there(call: Caller) -> None:
    """`needed` and `provided` are what an operator needs to read."""
    call.slack.workspace.scopes = {"commands"}
    answer = call("chat.postMessage", channel="C0OPS", text="x")
    assert answer == {
        "ok": False,
        "error": "missing_scope",
        "needed": "chat:write",
        "provided": "commands",
    }


def test_history_needs_the_scope_of_that_kind_of_channel(call: Caller) -> None:
    """Public channels, private ones and conversations each have their own."""
    scopes = call.slack.workspace.scopes
    scopes -= {"channels:history", "im:history"}
    assert call("conversations.history", channel="C0OPS")["needed"] == "channels:history"
    dm = call("conversations.open", users="U0ANA")["channel"]["id"]
    assert call("conversations.history", channel=dm)["needed"] == "im:history"


def test_the_scopes_stand_in_the_header_of_every_answer(call: Caller) -> None:
    """A doctor compares them with what the app needs."""
    headers = call.raw("auth.test").headers
    assert "chat:write" in headers["x-oauth-scopes"].split(",")
    assert call.raw("users.info").headers["x-accepted-oauth-scopes"] == "users:read"


def test_an_unknown_method_is_told_by_name(call: Caller) -> None:
    """Also one that Slack has and the fake has not: better loud than silently fine."""
    assert call("files.upload") == {
        "ok": False,
        "error": "unknown_method",
        "req_method": "files.upload",
    }


def test_who_the_app_is(call: Caller) -> None:
    """auth.test names the team, the bot and its user."""
    answer = call("auth.test")
    assert (answer["team_id"], answer["user_id"], answer["bot_id"]) == (
        "T0MAIN",
        "U0FIREBREAK",
        "B0FIREBREAK",
    )


def test_arguments_may_come_as_a_form_with_json_inside(call: Caller) -> None:
    """Forms carry blocks as a string; some methods read no JSON at all."""
    blocks = '[{"type": "divider"}]'
    form = {"channel": "C0OPS", "text": "x", "blocks": blocks}
    assert call.raw("chat.postMessage", data=form).json()["message"]["blocks"][0]["block_id"]
    form["blocks"] = "[{"
    assert call.raw("chat.postMessage", data=form).json()["error"] == "invalid_blocks_format"
    assert call.error("users.info", user="U0ANA") == "invalid_arguments"
    assert call.raw("users.info", data={"user": "U0ANA"}).json()["user"]["name"] == "ana"


def test_people_are_found_by_id_and_by_address(call: Caller) -> None:
    """The address is shown only with its own scope; deleted people have none to be found by."""

    def ask(method: str, **args: str) -> dict[str, Any]:
        return dict(call.raw(method, data=args).json())

    ana = ask("users.info", user="U0ANA")["user"]
    assert (ana["profile"]["email"], ana["tz"], ana["deleted"]) == (
        "ana@example.com",
        "Europe/Berlin",
        False,
    )
    assert ask("users.info", user="U0NOBODY")["error"] == "user_not_found"
    assert ask("users.lookupByEmail", email="BEN@example.com")["user"]["id"] == "U0BEN"
    assert ask("users.lookupByEmail", email="gone@example.com")["error"] == "users_not_found"
    call.slack.workspace.scopes.discard("users:read.email")
    assert "email" not in ask("users.info", user="U0ANA")["user"]["profile"]


def test_user_groups_need_a_paid_plan(call: Caller) -> None:
    """And an id that is one."""
    group = {"usergroup": "S0ONCALL"}
    answer = call.raw("usergroups.users.list", data=group).json()
    assert answer["users"] == ["U0ANA", "U0BEN"]
    other = {"usergroup": "S0NONE"}
    assert call.raw("usergroups.users.list", data=other).json()["error"] == "no_such_subteam"
    call.slack.workspace.paid = False
    answer = call.raw("usergroups.users.list", data=group).json()
    assert answer["error"] == "plan_upgrade_required"


def test_a_conversation_is_opened_once_and_not_with_everybody(call: Caller) -> None:
    """It keeps its id; bots and deleted people have none."""
    first = call("conversations.open", users="U0ANA")["channel"]["id"]
    assert call("conversations.open", users="U0ANA")["channel"]["id"] == first
    assert call.error("conversations.open", users="U0GONE") == "user_disabled"
    assert call.error("conversations.open", users="U0NOBODY") == "user_not_found"
    assert call("chat.postMessage", channel="U0ANA", text="psst")["channel"] == first
    assert [m["text"] for m in call.slack.dms["U0ANA"]] == ["psst"]


def test_a_channel_tells_whether_the_app_is_in_it(call: Caller) -> None:
    """A private channel without it does not exist."""

    def info(channel: str) -> dict[str, Any]:
        answer = call.raw("conversations.info", data={"channel": channel}).json()
        return dict(answer.get("channel") or answer)

    assert info("C0OPS")["is_member"] is True
    assert info("C0ELSE")["is_member"] is False
    assert info("C0OLD")["is_archived"] is True
    assert info("C0SECRET")["error"] == "channel_not_found"


def test_too_many_posts_in_one_channel_have_to_wait(
    slack: SlackServer, call: Caller, clock: Clock
) -> None:
    """One a second after the burst, in that channel only; Retry-After says how long."""
    slack.rates.burst = 0.2
    for _ in range(2):
        call.post()
    limited = call.raw("chat.postMessage", json={"channel": "C0OPS", "text": "x"})
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "1")
    assert limited.json() == {"ok": False, "error": "ratelimited"}
    assert call.error("chat.postMessage", channel="U0ANA", text="elsewhere") == ""
    clock.move(1)
    call.post()
    slack.rates.on = False
    for _ in range(5):
        call.post()


def test_a_tier_is_so_many_calls_a_minute(slack: SlackServer, call: Caller, clock: Clock) -> None:
    """Tier 2 gives twenty, and one more every three seconds."""
    slack.rates.burst = 1
    for _ in range(20):
        assert call.error("usergroups.list") == ""
    limited = call.raw("usergroups.list")
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "3")
    clock.move(3)
    assert call.error("usergroups.list") == ""


def test_every_call_is_written_down(slack: SlackServer, call: Caller) -> None:
    """With its arguments, its status, and the code of a refusal."""
    call.post(blocks=[actions(button())])
    call.error("chat.postMessage", channel="C0NONE", text="x")
    good, bad = slack.calls("chat.postMessage")
    assert (good.args["channel"], good.status, good.error) == ("C0OPS", 200, "")
    assert (bad.args["channel"], bad.error) == ("C0NONE", "channel_not_found")
