"""Each row of the table is true of both today, and what we lose with the first row is shown."""

import pytest
from contract_slack.desks import deaf_worker, desk_at
from contract_slack.either_slack import SHOP, Caller, EitherSlack
from contract_slack.gaps import GAPS, Gap
from sqlalchemy import Engine

from contracts.errors import OutcomeUnknown

SETTLED_SECONDS = 16


@pytest.mark.parametrize("gap", GAPS, ids=lambda gap: gap.name)
def test_the_table_of_gaps_is_true(call: Caller, gap: Gap, request: pytest.FixtureRequest) -> None:
    """A new version of the emulator that answers as Slack does ends its row."""
    which = request.node.callspec.params["slack"]
    expected = gap.slack if which == "strict" else gap.emulator
    assert gap.ask(call) == expected, f"{gap.name}: {which} has changed; mend the row, or it"


def test_a_row_says_something() -> None:
    """Equal answers are no gap, and one name means one question."""
    assert [gap.name for gap in GAPS if gap.slack == gap.emulator] == []
    assert len({gap.name for gap in GAPS}) == len(GAPS)


def test_a_post_whose_answer_was_lost_is_adopted_by_its_metadata(
    engine: Engine, slack: EitherSlack, request: pytest.FixtureRequest
) -> None:
    """Where metadata is kept, there is one card and one question; elsewhere the card comes twice,
    and that is why it is looked for.
    """
    desk = desk_at(engine, slack)
    desk.asks()
    with pytest.raises(OutcomeUnknown):
        desk.deliver(deaf_worker(desk))
    assert len(slack.messages(SHOP)) == 1
    desk.clock.passes(SETTLED_SECONDS)
    desk.deliver(desk.worker())
    expected = {"strict": 2, "emulator": 3}[request.node.callspec.params["slack"]]
    assert len(slack.messages(SHOP)) == expected
