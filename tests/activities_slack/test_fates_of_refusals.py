"""Every documented refusal of the methods used is thought about.

The codes are those of Slack's method reference in August 2026, as the machine-readable copy
slack-ruby/slack-api-ref has them.
"""

import json
from pathlib import Path

import pytest

from contracts.slack.fates import FATES, FORM, GONE, MAYBE_DONE, THREAD, Fate, fate_of, fix_of

DOCUMENTED: dict[str, list[str]] = json.loads(
    (Path(__file__).parent / "documented_errors.json").read_text()
)


@pytest.mark.parametrize("method", sorted(DOCUMENTED))
def test_each_documented_code_stands_in_the_table_by_name(method: str) -> None:
    """None of them is fatal only because nobody knew it."""
    assert sorted(set(DOCUMENTED[method]) - set(FATES[method])) == []


def test_the_methods_of_the_table_are_those_documented() -> None:
    """A method that is used and not looked up would be missed by the test above."""
    assert sorted(FATES) == sorted(DOCUMENTED)


@pytest.mark.parametrize(
    ("method", "code", "fate"),
    [
        ("chat.postMessage", "ratelimited", Fate.RETRY),
        ("chat.postMessage", "not_in_channel", Fate.FATAL),
        ("chat.postMessage", "msg_blocks_too_long", Fate.FALL_BACK),
        ("chat.postMessage", "message_limit_exceeded", Fate.FATAL),
        ("chat.update", "message_not_found", Fate.FALL_BACK),
        ("chat.update", "edit_window_closed", Fate.FALL_BACK),
        ("chat.update", "channel_not_found", Fate.FALL_BACK),
        ("chat.update", "token_revoked", Fate.FATAL),
        ("conversations.history", "missing_scope", Fate.FALL_BACK),
        ("files.getUploadURLExternal", "missing_scope", Fate.FALL_BACK),
        ("views.open", "expired_trigger_id", Fate.FALL_BACK),
        ("views.publish", "hash_conflict", Fate.RETRY),
        ("usergroups.users.list", "plan_upgrade_required", Fate.FALL_BACK),
        ("auth.test", "invalid_auth", Fate.FATAL),
        ("chat.postMessage", "born_tomorrow", Fate.FATAL),
        ("no.such_method", "ratelimited", Fate.FATAL),
    ],
)
def test_a_code_means_what_it_means_for_its_method(method: str, code: str, fate: Fate) -> None:
    """The same code can have another way with one method and none with the next."""
    assert fate_of(method, code) is fate


def test_what_has_another_way_says_which() -> None:
    """A post and an edit that fall back do so in one of the ways that the channel knows."""
    for method, ways in (("chat.postMessage", FORM | THREAD), ("chat.update", FORM | GONE)):
        falling = {code for code, fate in FATES[method].items() if fate is Fate.FALL_BACK}
        assert falling == ways


def test_what_may_have_been_done_is_tried_again() -> None:
    """It is never taken for a refusal."""
    known = [(m, code) for m in FATES for code in MAYBE_DONE if code in FATES[m]]
    assert known
    assert {fate_of(*pair) for pair in known} == {Fate.RETRY}


def test_a_fix_says_what_to_do() -> None:
    """The two that a new installation meets first, and one that nobody foresaw."""
    assert "/invite @firebreak" in fix_of("not_in_channel")
    assert "FIREBREAK_SLACK_BOT_TOKEN" in fix_of("token_revoked")
    assert fix_of("born_tomorrow")
