"""The part of the table that needs somebody to act: see `gaps`.

Two rows are left out because each would take five seconds: the emulator waits that long for an
answer where Slack waits three, and it never repeats an event that nobody took.
"""

from contract_slack.either_slack import ANA, BEN, MODAL, OPS, Caller
from contract_slack.wires import ABSENT_SECONDS, Wire, wire

BUTTON = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}
ROW = {"type": "actions", "block_id": "row", "elements": [BUTTON]}
WHY = {
    "type": "input",
    "block_id": "why",
    "label": {"type": "plain_text", "text": "Why"},
    "element": {"type": "plain_text_input", "action_id": "value"},
}


def _click(call: Caller, **more: str) -> None:
    call.slack.click(ANA, OPS, call.post(blocks=[ROW], **more), "go")


def _trigger(call: Caller, app: Wire) -> str:
    _click(call)
    return str(app.last()["trigger_id"])


def used_trigger(call: Caller) -> object:
    """The second window of one click."""
    with wire(call) as app:
        trigger = _trigger(call, app)
        assert call("views.open", trigger_id=trigger, view=MODAL)["ok"]
        return call.error("views.open", trigger_id=trigger, view=MODAL)


def window_without_a_button(call: Caller) -> object:
    """An input that nobody could send."""
    with wire(call) as app:
        view = MODAL | {"blocks": [WHY]}
        return call.error("views.open", trigger_id=_trigger(call, app), view=view)


def id_of_a_window(call: Caller) -> object:
    """Whether it lasts over an update."""
    with wire(call) as app:
        opened = call("views.open", trigger_id=_trigger(call, app), view=MODAL)["view"]["id"]
        return bool(call("views.update", view_id=opened, view=MODAL)["view"]["id"] == opened)


def owner_of_a_window(call: Caller) -> object:
    """How many windows somebody else sees."""
    with wire(call) as app:
        call("views.open", trigger_id=_trigger(call, app), view=MODAL)
        return len(call.slack.views_of(BEN))


def deliveries(call: Caller) -> object:
    """How often one click arrives at two connections."""
    with wire(call) as one, wire(call) as two:
        _click(call)
        for app in (one, two):
            app.wait(lambda: len(one.heard) + len(two.heard) > 1, ABSENT_SECONDS)
        return len(one.heard) + len(two.heard)


def names_in_commands(call: Caller) -> object:
    """What becomes of a name that somebody typed."""
    with wire(call) as app:
        call.slack.command(ANA, OPS, "/toil", "25m with @ben")
        return app.last()["text"]


def thread_of_a_click(call: Caller) -> object:
    """Whether a payload names the thread of its message beside it."""
    with wire(call) as app:
        _click(call, thread_ts=call.post())
        return "thread_ts" in app.last()["container"]


def shortcut_of_a_message(call: Caller) -> object:
    """Whether one arrives."""
    with wire(call):
        return call.slack.shortcut(ANA, "toil.from_message", OPS, call.post()).acked


def view_of_a_button_of_home(call: Caller) -> object:
    """Whether a payload holds the Home whose button it was."""
    with wire(call) as app:
        call("views.publish", user_id=ANA, view={"type": "home", "blocks": [ROW]})
        assert call.slack.click_home(ANA, "go").acked
        return "view" in app.last()


def limit_of_posts(call: Caller) -> object:
    """What is answered in the end to whoever posts and posts."""
    codes = (call.error("chat.postMessage", channel=OPS, text="x") for _ in range(60))
    return next((code for code in codes if code), "")
