"""For each action a person reads how it is taken back, or that it cannot be."""

from collections.abc import Iterator

import pytest

from contracts import kubernetes
from contracts.slack.way_back import UNKNOWN, way_back
from contracts.step import Action
from contracts.views import PlanView

K = "kubectl --context 'prod eu' -n shop"
EVICTION = '\'{"kind":"Eviction"}\''
# The command of each action, as `activities/kubernetes` writes it, and the state before.
COMMANDS: dict[str, list[tuple[str, str, str]]] = {
    "RolloutRestart": [(f"{K} rollout restart deployment/web", "", "Not needed")],
    "EvictPod": [
        (
            f"echo {EVICTION} | {K} create --raw /api/v1/namespaces/s/pods/p/eviction -f -",
            "",
            "Cannot be taken back; the controller starts another pod",
        )
    ],
    "DeletePod": [(f"{K} delete pod web-1 --wait=false", "", "Cannot be taken back; the con")],
    "Scale": [
        (f"{K} scale deployment/web --replicas=5", "3 replicas", "Scale it back to 3 replicas."),
        (f"{K} scale deployment/web --replicas=0", "1 replicas", "Scale it back to 1 replica."),
        (
            f'{K} patch horizontalpodautoscaler/web --type=merge -p \'{{"a":"| kubectl x"}}\'',
            "HorizontalPodAutoscaler/web: 2 to 5",
            "Set it back to what it was: HorizontalPodAutoscaler/web: 2 to 5.",
        ),
    ],
    "PauseRollout": [(f"{K} rollout pause deployment/web", "", "Resume it")],
    "ResumeRollout": [(f"{K} rollout resume deployment/web", "", "Pausing again")],
    "Restore": [("", "", "Not needed: there is nothing to write")],
    "Cordon": [("kubectl cordon node-1", "", "Open it again: kubectl uncordon")],
    "Uncordon": [("kubectl uncordon node-1", "", "Close it again: kubectl cordon")],
    "Drain": [("kubectl drain node-1 --ignore-daemonsets", "", "kubectl uncordon opens it")],
    "DeleteJob": [(f"{K} delete job import --wait=false", "", "Cannot be taken back: the job's")],
    "RerunJob": [
        (f"{K} create job import-2 --from=cronjob/import", "", "Cannot be taken back; deleting"),
        (
            f"{K} get job import -o json | jq 'del(.x)' | {K} create -f -",
            "",
            "Cannot be taken back; deleting",
        ),
    ],
    "RollbackSet": [
        (
            f"{K} rollout undo statefulset/db --to-revision=3",
            "revision 4, db:2",
            "Roll forward again: kubectl rollout undo --to-revision=4.",
        )
    ],
    "RollbackDeployment": [
        (f"{K} rollout undo deployment/web --to-revision=1", "odd words", "Roll forward again")
    ],
}
CASES = [(name, *case) for name, cases in COMMANDS.items() for case in cases]


def actions() -> Iterator[str]:
    """The names of all actions that there are."""
    for item in vars(kubernetes).values():
        if isinstance(item, type) and issubclass(item, Action) and item is not Action:
            yield item.__name__


def plan(command: str, before: str = "") -> PlanView:
    """A plan as its view has it."""
    return PlanView(summary="", kubectl=command, from_=before, to="", digest="")


@pytest.mark.parametrize("name", tuple(actions()))
def test_every_action_has_its_sentence(name: str) -> None:
    """A new action without one fails here, and not in front of a person at night."""
    assert name in COMMANDS
    assert all(way_back(plan(case[0], case[1])) != UNKNOWN for case in COMMANDS[name])


@pytest.mark.parametrize(("name", "command", "before", "told"), CASES)
def test_the_sentence_is_the_one_of_the_command(
    name: str, command: str, before: str, told: str
) -> None:
    """It is read off the last kubectl of the command, whatever stands around it."""
    assert way_back(plan(command, before)).startswith(told), name


@pytest.mark.parametrize(
    "command", ["helm rollback web", "kubectl", "kubectl --context x", "kubectl 'open", "rm -rf /"]
)
def test_what_is_not_known_says_so(command: str) -> None:
    """A promise that nobody can keep is worse than none."""
    assert way_back(plan(command)) == UNKNOWN
