"""For each action a person reads how it is taken back, or that it cannot be."""

import pytest

from contracts import kubernetes
from contracts.slack.way_back import UNKNOWN, way_back
from contracts.step import Action
from contracts.views import PlanView
from tools.slack_story import asked

POD = "Cannot be taken back; the controller starts another pod"
HPA = "HorizontalPodAutoscaler/web: 2 to 5"
# The state before, as `activities/kubernetes` writes it, and how the sentence begins.
BEFORE: dict[str, list[tuple[str, str]]] = {
    "RolloutRestart": [("", "Not needed: the new pods")],
    "EvictPod": [("", POD)],
    "DeletePod": [("", POD)],
    "Scale": [
        ("3 replicas", "Scale it back to 3 replicas."),
        ("1 replicas", "Scale it back to 1 replica."),
        (HPA, f"Set it back to what it was: {HPA}."),
    ],
    "PauseRollout": [("", "Resume it")],
    "ResumeRollout": [("", "Pausing again")],
    "Restore": [(HPA, f"Set it back to what it was: {HPA}.")],
    "Cordon": [("", "Open it again: kubectl uncordon")],
    "Uncordon": [("", "Close it again: kubectl cordon")],
    "Drain": [("", "kubectl uncordon opens it")],
    "DeleteJob": [("", "Cannot be taken back: the job's")],
    "RerunJob": [("", "Cannot be taken back; deleting")],
    "RollbackSet": [("revision 4, db:2", "Roll forward again: kubectl rollout undo --to-rev")],
    "RollbackDeployment": [("odd words", "Roll forward again: kubectl rollout undo.")],
}
CASES = [(name, *case) for name, cases in BEFORE.items() for case in cases]


def actions() -> dict[str, type[Action]]:
    """All actions that there are, by name."""
    found = (item for item in vars(kubernetes).values() if isinstance(item, type))
    return {one.__name__: one for one in found if issubclass(one, Action) and one is not Action}


def plan(name: str, before: str, command: str = "kubectl") -> PlanView:
    """A plan of this action as its view has it."""
    action = actions()[name].activity if name else "helm.rollback"
    return PlanView(
        action=action, summary="", kubectl=command, from_=before, to="", digest="sha256:0"
    )


@pytest.mark.parametrize("name", tuple(actions()))
def test_every_action_has_its_sentence(name: str) -> None:
    """A new action without one fails here, and not in front of a person at night."""
    assert all(way_back(plan(name, before)) != UNKNOWN for before, _ in BEFORE[name])


@pytest.mark.parametrize(("name", "before", "told"), CASES)
def test_the_sentence_is_the_one_of_the_action(name: str, before: str, told: str) -> None:
    """It says how the state before comes back, or that it does not."""
    assert way_back(plan(name, before)).startswith(told)


def test_nothing_to_write_needs_no_way_back() -> None:
    """A restore that finds nothing left has no command."""
    assert way_back(plan("Restore", "", "")).startswith("Not needed: there is nothing to write")


def test_what_is_not_known_says_so() -> None:
    """A promise that nobody can keep is worse than none."""
    assert way_back(plan("", "")) == UNKNOWN


def test_a_question_of_the_journal_names_its_action() -> None:
    """The view that every message is drawn from has it."""
    assert asked().approval.plan.action == actions()["RollbackDeployment"].activity
