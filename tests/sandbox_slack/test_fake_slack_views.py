"""Modals and Home: their limits, the right to open one, and who changed it last."""

from typing import Any

import pytest
from sandbox_slack.calling import JSON, Caller, Clock, actions, button, modal, text_input, words

from sandbox.slack import SlackServer

HOME: JSON = {"type": "home", "blocks": [{"type": "divider"}]}


@pytest.fixture(name="trigger")
def _trigger(slack: SlackServer, call: Caller) -> str:
    """The right that came with Ana's click; no app is there to take the click."""
    ts = call.post(blocks=[actions(button())])
    return str(slack.click("U0ANA", "C0OPS", ts, "go").payload["trigger_id"])


def test_a_click_is_good_for_one_modal(slack: SlackServer, call: Caller, trigger: str) -> None:
    """It opens on the screen of who clicked; the second one is refused."""
    answer = call("views.open", trigger_id=trigger, view=modal())
    assert answer["view"]["id"] == slack.views_of("U0ANA")[0]["id"]
    assert slack.views_of("U0BEN") == []
    assert call.error("views.open", trigger_id=trigger, view=modal()) == "exchanged_trigger_id"
    assert call.error("views.open", trigger_id="1.2.3", view=modal()) == "invalid_trigger_id"


def test_a_click_is_good_for_three_seconds(call: Caller, clock: Clock, trigger: str) -> None:
    """Then the person sees nothing."""
    clock.move(3.1)
    assert call.error("views.open", trigger_id=trigger, view=modal()) == "expired_trigger_id"


def test_a_bad_modal_leaves_the_click_unused(call: Caller, trigger: str) -> None:
    """A fallback may still use it."""
    bad = modal(title=words("x" * 25))
    assert call.error("views.open", trigger_id=trigger, view=bad) == "invalid_arguments"
    assert call.error("views.open", trigger_id=trigger, view=modal()) == ""


BAD: dict[str, tuple[JSON, str]] = {
    "a title of 25": (modal(title=words("x" * 25)), "/view/title/text"),
    "a close of 25": (modal(close=words("x" * 25)), "/view/close/text"),
    "a submit of 25": (modal(submit=words("x" * 25)), "/view/submit/text"),
    "inputs and no way to send": (modal(submit=None), "/view"),
    "no title": ({"type": "modal", "blocks": []}, "/view"),
    "metadata of 3001": (modal(private_metadata="x" * 3_001), "/view/private_metadata"),
    "a callback id of 256": (modal(callback_id="x" * 256), "/view/callback_id"),
    "101 blocks": (modal(*[{"type": "divider"}] * 101), "/view/blocks"),
    "markdown": (modal({"type": "markdown", "text": "x"}), "/view/blocks/0/type"),
    "a home": (HOME, "/view/type"),
    "two inputs of one name": (modal(text_input(), text_input()), "/view/blocks/1"),
    "a lower limit of 3001": (
        modal(text_input(min_length=3_001)),
        "/view/blocks/0/element/min_len",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_modal_that_breaks_a_limit_is_refused(call: Caller, trigger: str, name: str) -> None:
    """With the place of the fault."""
    view, place = BAD[name]
    answer = call("views.open", trigger_id=trigger, view=view)
    assert answer["error"] == "invalid_arguments"
    assert any(f"[json-pointer:{place}" in told for told in answer["errors"]), answer


def test_a_view_has_a_size(call: Caller, trigger: str) -> None:
    """250 kB as JSON, even if every part is within its own limit."""
    big = {"type": "section", "fields": [words("ü" * 2_000)] * 10}
    view = modal(*[big] * 7)
    assert call.error("views.open", trigger_id=trigger, view=view) == "view_too_large"


def test_an_open_modal_is_updated_by_who_knows_its_hash(call: Caller, trigger: str) -> None:
    """A loading view becomes the real one; an older writer is told so."""
    loading = modal({"type": "section", "text": words("Loading…")}, submit=None)
    opened = call("views.open", trigger_id=trigger, view=loading | {"external_id": "mine"})["view"]
    args: dict[str, Any] = {"view_id": opened["id"], "hash": opened["hash"], "view": modal()}
    assert call.error("views.update", **args) == ""
    assert call.error("views.update", **args) == "hash_conflict"
    assert call.error("views.update", view_id="V0NONE", view=modal()) == "not_found"
    assert call.error("views.update", view=modal()) == "invalid_arguments"


def test_a_closed_modal_is_gone(slack: SlackServer, call: Caller, trigger: str) -> None:
    """Who still loads for it gets `not_found`."""
    view = call("views.open", trigger_id=trigger, view=modal())["view"]
    slack.close_view("U0ANA")
    assert call.error("views.update", view_id=view["id"], view=modal()) == "not_found"


def test_three_modals_lie_on_each_other(slack: SlackServer, call: Caller, trigger: str) -> None:
    """And no fourth; pushing takes a click within a modal."""
    inner = modal(actions(button("deeper")), submit=None)
    call("views.open", trigger_id=trigger, view=inner)
    for _ in range(2):
        deeper = slack.click_view("U0ANA", "deeper").payload["trigger_id"]
        assert call.error("views.push", trigger_id=deeper, view=inner) == ""
    last = slack.click_view("U0ANA", "deeper").payload["trigger_id"]
    assert call.error("views.push", trigger_id=last, view=inner) == "push_limit_reached"
    first, second, third = slack.views_of("U0ANA")
    assert (second["previous_view_id"], third["root_view_id"]) == (first["id"], first["id"])


def test_a_modal_is_pushed_only_from_a_modal(call: Caller, trigger: str) -> None:
    """A click on a message gives no right to it."""
    assert call.error("views.push", trigger_id=trigger, view=modal()) == "invalid_trigger_id"


def test_home_is_published_by_who_saw_it_last(slack: SlackServer, call: Caller) -> None:
    """It keeps its id; an old hash is a conflict; a stranger has none."""
    first = call("views.publish", user_id="U0ANA", view=HOME)["view"]
    args = {"user_id": "U0ANA", "view": HOME, "hash": first["hash"]}
    second = call("views.publish", **args)["view"]
    assert second["id"] == first["id"]
    assert call.error("views.publish", **args) == "hash_conflict"
    assert call.error("views.publish", user_id="U0NOBODY", view=HOME) == "invalid_arguments"
    assert call.error("views.publish", user_id="U0ANA", view=modal()) == "invalid_arguments"
    home = slack.home_of("U0ANA")
    assert home is not None
    assert home["hash"] == second["hash"]
    assert slack.home_of("U0BEN") is None


def test_an_external_id_is_given_once(call: Caller, slack: SlackServer, trigger: str) -> None:
    """Two open views of one name could not be told apart."""
    call("views.publish", user_id="U0BEN", view=HOME | {"external_id": "mine"})
    view = modal(external_id="mine")
    assert call.error("views.open", trigger_id=trigger, view=view) == "duplicate_external_id"
    assert slack.views_of("U0ANA") == []
