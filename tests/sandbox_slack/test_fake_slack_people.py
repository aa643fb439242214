"""People click, type and send; a real slack_bolt app hears them over a socket."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from sandbox_slack.bolt_app import App, until
from sandbox_slack.calling import JSON, Caller, Clock, actions, button, modal, text_input, words

from sandbox.slack import SlackServer, User
from sandbox.slack.refusals import NotOnScreen

pytestmark = pytest.mark.asyncio(loop_scope="session")

OVERFLOW = {
    "type": "overflow",
    "action_id": "pick",
    "options": [{"text": words("Take over"), "value": "take_over|inc-1"}],
}


@pytest_asyncio.fixture(loop_scope="session", name="app")
async def _app(slack: SlackServer) -> AsyncIterator[App]:
    app = App(slack)
    async with app.on_a_socket():
        yield app


@pytest.fixture(name="ts")
def _ts(call: Caller) -> str:
    """A message with one of everything."""
    rows = [
        actions(button(value="apr-1"), button("open"), button("old")),
        actions(OVERFLOW, block_id="b"),
    ]
    return call.post(blocks=rows, metadata={"event_type": "m", "event_payload": {}})


async def test_a_click_arrives_with_everything_to_judge_it(app: App, ts: str) -> None:
    """Who, from which team, on which message, with which value; and it is acked in time."""
    done = await asyncio.to_thread(app.slack.click, "U0ANA", "C0OPS", ts, "go")
    assert (done.acked, done.status, done.body, done.socket) == (True, 200, {}, "socket-1")
    assert done.seconds < 1
    kind, body = app.heard[0]
    assert kind == "block_actions"
    assert (body["user"]["id"], body["user"]["team_id"]) == ("U0ANA", "T0MAIN")
    assert (body["api_app_id"], body["team"]["id"]) == ("A0FIREBREAK", "T0MAIN")
    assert body["container"]["message_ts"] == body["message"]["ts"] == ts
    assert body["actions"][0]["value"] == "apr-1"
    assert "metadata" not in body["message"]


async def test_a_menu_sends_the_chosen_option(app: App, ts: str) -> None:
    """The three dots are a menu too."""
    args = ("U0BEN", "C0OPS", ts, "pick", "take_over|inc-1")
    assert (await asyncio.to_thread(app.slack.choose, *args)).acked
    action = app.heard[0][1]["actions"][0]
    assert action["selected_option"]["value"] == "take_over|inc-1"


async def test_a_stranger_of_slack_connect_shows_their_own_team(app: App, ts: str) -> None:
    """They sit in the same channel, and their button works as well."""
    app.slack.workspace.users.append(User("U0EVE", "eve", team="T0ELSE", is_stranger=True))
    app.slack.workspace.channels[0].members.add("U0EVE")
    await asyncio.to_thread(app.slack.click, "U0EVE", "C0OPS", ts, "go")
    assert app.heard[0][1]["user"]["team_id"] == "T0ELSE"


async def test_an_action_that_nobody_handles_is_not_acked(app: App, ts: str) -> None:
    """The person sees a warning sign."""
    done = await asyncio.to_thread(app.slack.click, "U0ANA", "C0OPS", ts, "old")
    assert (done.acked, done.socket) == (False, "socket-1")


async def test_an_ack_after_three_seconds_is_none(app: App, ts: str) -> None:
    """Though the app goes on."""
    app.ack_delay = 3.3
    done = await asyncio.to_thread(app.slack.click, "U0ANA", "C0OPS", ts, "go")
    assert (done.acked, done.status) == (False, 0)
    assert done.seconds >= 3
    await until(lambda: len(app.heard) == 1)


async def test_only_what_is_on_the_screen_can_be_touched(app: App, ts: str) -> None:
    """A missing button is a fault of the test, or one of the app's."""
    act = asyncio.to_thread
    for args in (
        ("U0ANA", "C0OPS", ts, "gone"),
        ("U0ANA", "C0OPS", ts, "go", "apr-2"),
        ("U0ANA", "C0OPS", ts, "pick"),
        ("U0ANA", "C0OPS", "1.0", "go"),
        ("U0BEN", "C0ELSE", ts, "go"),
        ("U0GONE", "C0OPS", ts, "go"),
    ):
        with pytest.raises(NotOnScreen):
            await act(app.slack.click, *args)
    with pytest.raises(NotOnScreen, match="no option"):
        await act(app.slack.choose, "U0ANA", "C0OPS", ts, "pick", "other")
    with pytest.raises(NotOnScreen, match="no modal is open"):
        await act(app.slack.submit, "U0ANA")
    assert app.heard == []


async def test_a_call_that_would_wait_for_itself_is_refused(app: App, ts: str) -> None:
    """The app's loop cannot ack while the test holds it."""
    with pytest.raises(RuntimeError, match="to_thread"):
        app.slack.click("U0ANA", "C0OPS", ts, "go")


async def test_a_modal_closes_when_it_is_taken(app: App, ts: str) -> None:
    """And stays, with words beside the input, when it is not."""
    act = asyncio.to_thread
    assert (await act(app.slack.click, "U0ANA", "C0OPS", ts, "open")).acked
    done = await act(app.slack.submit, "U0ANA", {"reason": "short"})
    assert done.body["response_action"] == "errors"
    assert app.slack.views_of("U0ANA")[0]["errors"] == {"reason": "say more"}
    assert (await act(app.slack.submit, "U0ANA", {"reason": "because"})).body == {}
    assert app.slack.views_of("U0ANA") == []


@pytest.mark.parametrize("reason", ["astray", "bad"])
async def test_an_answer_that_makes_no_sense_shows_as_a_failure(
    app: App, ts: str, reason: str
) -> None:
    """Errors beside inputs that are not there, or a view over the limits."""
    await asyncio.to_thread(app.slack.click, "U0ANA", "C0OPS", ts, "open")
    await asyncio.to_thread(app.slack.submit, "U0ANA", {"reason": reason})
    assert "trouble connecting" in app.slack.views_of("U0ANA")[0]["errors"][""]


async def test_a_modal_may_turn_into_another(app: App, ts: str) -> None:
    """What was typed stays; nobody handles the other one, so sending it fails visibly."""
    act = asyncio.to_thread
    await act(app.slack.click, "U0ANA", "C0OPS", ts, "open")
    await act(app.slack.submit, "U0ANA", {"reason": "next"})
    view = app.slack.views_of("U0ANA")[0]
    assert view["callback_id"] == "second"
    assert view["state"]["values"]["reason"]["value"]["value"] == "next"
    assert not (await act(app.slack.submit, "U0ANA")).acked
    assert "trouble connecting" in app.slack.views_of("U0ANA")[0]["errors"][""]


async def test_slack_does_not_send_what_is_not_filled_in(app: App, ts: str) -> None:
    """Nor what is too long, nor an input that is not there."""
    act = asyncio.to_thread
    await act(app.slack.click, "U0ANA", "C0OPS", ts, "open")
    for values in ({}, {"reason": ""}, {"reason": "x" * 3_001}, {"other": "x"}):
        with pytest.raises(NotOnScreen):
            await act(app.slack.submit, "U0ANA", values)
    assert (await act(app.slack.close_view, "U0ANA")) is None


async def test_all_kinds_of_inputs_arrive_in_the_state(slack: SlackServer, call: Caller) -> None:
    """As the payload of Slack holds them."""
    options = [{"text": words(v), "value": v} for v in ("a", "b")]

    def one(block_id: str, **element: object) -> JSON:
        return text_input(block_id, **element) | {"optional": True}

    view = modal(
        one("who", type="users_select"),
        one("which", type="static_select", options=options, initial_option=options[0]),
        one("many", type="checkboxes", options=options),
        one("when", type="datepicker"),
        one("text", initial_value="before"),
    )
    ts = call.post(blocks=[actions(button())])
    done = await asyncio.to_thread(slack.click, "U0ANA", "C0OPS", ts, "go")
    assert call.error("views.open", trigger_id=done.payload["trigger_id"], view=view) == ""
    values = {"who": "U0BEN", "many": ["a", "b"], "when": "2026-03-02"}
    sent = (await asyncio.to_thread(slack.submit, "U0ANA", values)).payload
    state = {name: held["value"] for name, held in sent["view"]["state"]["values"].items()}
    assert state["who"] == {"type": "users_select", "selected_user": "U0BEN"}
    assert state["which"]["selected_option"]["value"] == "a"
    assert [o["value"] for o in state["many"]["selected_options"]] == ["a", "b"]
    assert state["when"]["selected_date"] == "2026-03-02"
    assert state["text"]["value"] == "before"


async def test_a_command_arrives_with_names_as_ids(app: App) -> None:
    """What the app acks with is shown to the person alone."""
    text = "25m restarted web @ben in #ops for @oncall, mail a@b.c @nobody"
    done = await asyncio.to_thread(app.slack.command, "U0ANA", "C0OPS", "/toil", text)
    assert done.acked
    sent = (
        "25m restarted web <@U0BEN|ben> in <#C0OPS|ops> for <!subteam^S0ONCALL|@oncall>, "
        "mail a@b.c @nobody"
    )
    assert app.heard[0][1]["text"] == sent
    assert [(e["to"], e["text"]) for e in app.slack.ephemerals] == [("U0ANA", f"logged {sent}")]


async def test_a_shortcut_carries_its_message(app: App) -> None:
    """Also one that a person wrote."""
    said = app.slack.say("U0BEN", "C0OPS", "restarted web")
    args = ("U0ANA", "toil.from_message", "C0OPS", said["ts"])
    assert (await asyncio.to_thread(app.slack.shortcut, *args)).acked
    body = app.heard[0][1]
    assert (body["message"]["text"], body["message_ts"]) == ("restarted web", said["ts"])
    done = await asyncio.to_thread(app.slack.shortcut, "U0ANA", "toil.from_message")
    assert (done.acked, done.payload["type"]) == (True, "shortcut")


async def test_opening_home_is_an_event(app: App) -> None:
    """The app answers by publishing."""
    assert (await asyncio.to_thread(app.slack.open_home, "U0ANA")).acked
    await until(lambda: app.slack.home_of("U0ANA") is not None)
    assert app.heard[0][1]["event"]["user"] == "U0ANA"
    assert app.heard[0][1]["event_id"].startswith("Ev")


async def test_a_closed_modal_is_told_only_when_asked(slack: SlackServer, call: Caller) -> None:
    """`notify_on_close`; `clear_on_close` takes all of them."""
    ts = call.post(blocks=[actions(button())])
    done = await asyncio.to_thread(slack.click, "U0ANA", "C0OPS", ts, "go")
    view = modal(notify_on_close=True, clear_on_close=True)
    call("views.open", trigger_id=done.payload["trigger_id"], view=view)
    told = await asyncio.to_thread(slack.close_view, "U0ANA")
    assert told is not None
    assert (told.payload["type"], told.payload["is_cleared"]) == ("view_closed", True)
    assert slack.views_of("U0ANA") == []


async def test_a_response_url_is_good_for_five_answers_in_half_an_hour(
    slack: SlackServer, call: Caller, ts: str
) -> None:
    """The first replaces, the others are for the person only."""
    done = await asyncio.to_thread(slack.click, "U0ANA", "C0OPS", ts, "go")
    url = done.payload["response_url"]

    def answer(**body: object) -> str:
        return call.http.post(url, json=body).text

    assert answer(text="new", replace_original=True) == "ok"
    assert slack.message("C0OPS", ts)["text"] == "new"
    assert answer(blocks=[{"type": "banner"}]) == "invalid_blocks"
    assert answer(text="for you") == "ok"
    assert slack.ephemerals[0]["to"] == "U0ANA"
    assert answer(text="for all", response_type="in_channel") == "ok"
    assert answer(delete_original=True) == "ok"
    assert [m["text"] for m in slack.messages("C0OPS")] == ["for all"]
    assert answer(text="six") == "used_url"


async def test_a_response_url_grows_old(
    slack: SlackServer, call: Caller, ts: str, clock: Clock
) -> None:
    """After half an hour it is worth nothing."""
    done = await asyncio.to_thread(slack.click, "U0ANA", "C0OPS", ts, "go")
    clock.move(1_801)
    answer = call.http.post(done.payload["response_url"], json={"text": "late"})
    assert (answer.status_code, answer.text) == (404, "expired_url")
