"""Everything that people see in Slack is kept as JSON, reviewed as such, and valid."""

from pathlib import Path
from typing import Any

import pytest
from contracts_slack.card_lint import check

from tools.slack_golden import GOLDEN, differing, scenes, write

SCENES = scenes()


def test_the_golden_files_are_what_is_rendered_now() -> None:
    """A change of words or buttons is seen in a review, and never slips through."""
    names = sorted(differing(GOLDEN))
    assert names == [], "look at them, then run `python tools/slack_golden.py`"


@pytest.mark.parametrize("shown", SCENES.values(), ids=SCENES)
def test_a_message_is_valid(shown: dict[str, Any]) -> None:
    """Slack's own models take it and give it back unchanged, and so does the stricter lint."""
    check(shown)


def test_the_tool_writes_what_is_missing_and_deletes_what_no_scene_makes(tmp_path: Path) -> None:
    """After it ran, nothing differs; a second run writes nothing."""
    (tmp_path / "gone.json").write_text("{}\n")
    assert len(write(tmp_path)) == len(SCENES) + 1
    assert not (tmp_path / "gone.json").exists()
    assert write(tmp_path) == []
