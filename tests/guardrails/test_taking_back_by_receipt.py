"""What a plan takes back is what the books say was changed, whatever a runbook handed in."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.calls import JudgeCall
from contracts.kubernetes import Restore, Scale
from contracts.model import canonical_json
from contracts.plan import CHANGES
from contracts.step import Changed, Receipt
from contracts.target import Target
from guardrails import Facts, Write, judge, over_the_limits

NOW = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)
TARGET = Target(cluster="default", namespace="shop", kind="Deployment", name="user-auth")
SCALED = Changed(
    kind="Deployment", name="user-auth", uid="u-1", path="/spec/replicas", before=3, after=4
)
BACK = SCALED.model_copy(update={"before": 4, "after": 3})
BOOKED = Receipt(
    key="inc-1/1/2", action=Scale.activity, target=TARGET, did="written", summary="scaled",
    written_at=NOW, changed=(SCALED,),
)  # fmt: skip
UNDONE = Write(
    key="inc-1/1/2", incident="inc-1", runbook="Scale", lock_keys=(TARGET.key,), state="done",
    at=NOW, action=Scale.activity,
)  # fmt: skip

CallWith = Callable[..., JudgeCall]
FactsWith = Callable[..., Facts]


def taking_back(call_with: CallWith, *back: Changed) -> JudgeCall:
    """A plan that makes these changes, to take `BOOKED` back."""
    pins = {CHANGES: canonical_json([change.model_dump(mode="json") for change in back])}
    return call_with(action=Restore.activity, restores=BOOKED.key, key="inc-1/1/5", pins=pins)


@pytest.mark.parametrize("back", [(BACK,), ()])
def test_what_the_receipt_changed_goes_back_with_nobody_asked(
    call_with: CallWith, facts_with: FactsWith, back: tuple[Changed, ...]
) -> None:
    """All of it, or less, where somebody else has set a field since."""
    facts = facts_with(autonomy="ask", undoes=UNDONE, receipt=BOOKED)
    assert judge(taking_back(call_with, *back), facts).ruling == "allow"


@pytest.mark.parametrize(
    "other",
    [
        {"name": "cart"},
        {"uid": "u-2"},
        {"path": "/spec/paused"},
        {"after": 0},
        {"before": 9},
    ],
)
def test_a_change_that_the_books_do_not_know_is_denied(
    call_with: CallWith, facts_with: FactsWith, other: dict[str, Any]
) -> None:
    """Another object under this lock, another field, or another number than before."""
    call = taking_back(call_with, BACK, BACK.model_copy(update=other))
    facts = facts_with(undoes=UNDONE, receipt=BOOKED)
    assert [reason.rule for reason in judge(call, facts).denials] == ["restores"]


@pytest.mark.parametrize(
    "booked",
    [{"target": TARGET.model_copy(update={"name": "cart"})}, {"action": "kubernetes.other"}],
)
def test_the_receipt_of_another_target_or_action_proves_nothing(
    call_with: CallWith, facts_with: FactsWith, booked: dict[str, Any]
) -> None:
    """The reservation and its receipt must be of one write."""
    facts = facts_with(undoes=UNDONE, receipt=BOOKED.model_copy(update=booked))
    assert judge(taking_back(call_with, BACK), facts).ruling == "deny"


def test_what_is_not_proven_is_counted_like_any_write(
    call_with: CallWith, facts_with: FactsWith
) -> None:
    """Also where the lock is taken."""
    others = tuple(
        Write(f"inc-9/{n}/1", "inc-9", "r", (f"default/shop/Deployment/w{n}",), "open", NOW, True)
        for n in range(3)
    )
    forged = taking_back(call_with, BACK.model_copy(update={"name": "cart"}))
    facts = facts_with(undoes=UNDONE, receipt=BOOKED, writes=others)
    assert over_the_limits(taking_back(call_with, BACK), facts) == ()
    assert "cluster_open" in {reason.rule for reason in over_the_limits(forged, facts)}
