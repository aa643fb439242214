"""How steps are answered in a play: looks, plans, writes and checks of any step, by shape.

What the script leaves out is plain: a look finds nothing special, a plan is possible, a write is
done, a check holds. Each answer writes the line that tells of it.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar

from pydantic import ConfigDict, ValidationError

from contracts.calls import EnsureCall
from contracts.errors import FirebreakError
from contracts.kubernetes import (
    JobState,
    NodeConditions,
    PodStates,
    RollbackDeployment,
    RolloutHistory,
    RolloutRestart,
)
from contracts.model import Contract
from contracts.plan import Plan
from contracts.step import CheckCall, CheckResult, Evidence, Receipt, Step, StepCall
from contracts.target import Target
from workflows.authoring.play.findings import NOTHING, Findings
from workflows.authoring.play.transcript import Kind, Transcript, duration, shortened
from workflows.authoring.play.troubles import BadScript

R = TypeVar("R", bound=Contract)

_UID = "00000000-0000-4000-8000-000000000001"
_KUBECTL = {
    RolloutRestart.activity: "rollout restart",
    RollbackDeployment.activity: "rollout undo",
}
# What is found where a runbook that looks for it goes on: a young rollout, a pod that crashes.
_FACTS: dict[str, dict[str, Any]] = {
    RolloutHistory.activity: {
        "current": 2,
        "current_age_seconds": 600,
        "current_reused": False,
        "older_revisions": [1],
    },
    PodStates.activity: {
        "pods_total": 3,
        "pods_ready": 2,
        "pods": [{"pod": "web-1", "ready": False, "cause": "crash_loop"}],
        "causes": {"crash_loop": 1},
        "cause": "crash_loop",
        "remedy": "restart",
    },
    JobState.activity: {"failed": 1, "reason": "BackoffLimitExceeded", "cron_job": "web"},
    NodeConditions.activity: {"ready": "False", "nodes_total": 3, "nodes_ready": 2},
}


class AnyStep(Step):
    """A step as the world sees it: its target, and whatever else it carries."""

    model_config = ConfigDict(extra="allow")
    activity: ClassVar[str] = ""


class StepAnswers:
    """Answers steps; `receipts` are what was written, `asked` the names that were called, and
    `now` is the run's time as far as calls have told it.
    """

    def __init__(self, findings: Findings, transcript: Transcript, now: datetime) -> None:
        self.receipts: list[Receipt] = []
        self.asked: list[str] = []
        self.now = now
        self._findings = findings
        self._transcript = transcript

    def answer(self, name: str, argument: Any) -> Any:
        """What the activity `name` returns for the JSON of its argument.

        Raises:
            FirebreakError: what the script says that the activity raises.
            BadScript: it is no step and nothing is scripted, or what is scripted does not fit.

        """
        self.asked.append(name)
        by_shape = self._by_shape(name, argument)
        if by_shape is not None:
            return by_shape(name, argument)
        found = self._findings.take(name)
        if found is NOTHING:
            fix = f"Script its answer: find={{'{name}': …}}."
            raise BadScript(f"the activity '{name}' is no step, and nothing is scripted", fix)
        return found

    def _by_shape(self, name: str, argument: Any) -> Callable[[str, Any], Contract] | None:
        fields = set(argument) if isinstance(argument, Mapping) else set()
        if "step" not in fields:
            return None
        if "within_seconds" in fields:
            return self._check
        if name.endswith(".plan"):
            return self._plan
        return self._ensure if "plan" in fields else self._look

    def _look(self, name: str, argument: Any) -> Evidence:
        call = StepCall[AnyStep].model_validate(argument)
        self.now, target = call.at, call.step.target
        found = self._take("LOOK", name, name, target)
        excerpt = found if isinstance(found, str) else ""
        facts = dict(found) if isinstance(found, Mapping) else {}
        if found is NOTHING:
            facts = _FACTS.get(name, {})
        self._line("LOOK", name, target, _seen(excerpt, facts))
        return Evidence(
            key=call.key,
            kind=name,
            target=target,
            title=shortened(excerpt) or label(name, target),
            excerpt=excerpt,
            facts=facts,
        )

    def _plan(self, name: str, argument: Any) -> Plan:
        # Its line is written when it is judged, because a plan is also made again before a write.
        call = StepCall[AnyStep].model_validate(argument)
        action, target = name.removesuffix(".plan"), call.step.target
        found = self._take("PLAN", name, action, target)
        plan = {
            "action": action,
            "target": target,
            "uid": _UID,
            "generation": 1,
            "before": "as it is now",
            "after": f"after the {words(action)}",
            "summary": f"{words(action)} of {target}",
            "kubectl": _kubectl(action, target),
            "at": call.at,
        }
        return _fitted(Plan, plan, found, name)

    def _ensure(self, name: str, argument: Any) -> Receipt:
        call = EnsureCall[AnyStep].model_validate(argument)
        plan = call.plan
        found = self._take("ACT", name, plan.action, plan.target)
        receipt = {
            "key": call.key,
            "action": plan.action,
            "target": plan.target,
            "did": "written",
            "summary": f"did {plan.summary}",
            "written_at": self.now,
            "generation": plan.generation + 1,
        }
        written = _fitted(Receipt, receipt, found, name)
        self.receipts.append(written)
        said = f"{words(written.did)}, generation {written.generation}"
        self._line("ACT", plan.action, plan.target, said)
        return written

    def _check(self, name: str, argument: Any) -> CheckResult:
        call = CheckCall[AnyStep].model_validate(argument)
        self.now, target = call.at, call.step.target
        holds = bool(self._take("VERIFY", name, name, target))
        waited_seconds = 0 if holds else call.within_seconds
        within = duration(timedelta(seconds=waited_seconds))
        said = "holds" if holds else f"does not hold within {within}"
        self._line("VERIFY", name, target, said)
        detail = f"{label(name, target)}: {said}"
        return CheckResult(ok=holds, detail=detail, waited_seconds=waited_seconds)

    def _take(self, kind: Kind, activity: str, name: str, target: Target) -> object:
        try:
            return self._findings.take(activity)
        except FirebreakError as err:
            self._line(kind, name, target, f"{type(err).__name__}: {err.message}")
            raise

    def _line(self, kind: Kind, name: str, target: Target, text: str) -> None:
        self._transcript.add(kind, short(name), f"{label(name, target)}: {text}")


def short(name: str) -> str:
    """`pod_logs` for `kubernetes.pod_logs`, `rollout_restart` for its plan and its write."""
    return name.removesuffix(".plan").removesuffix(".ensure").rpartition(".")[2]


def label(name: str, target: Target) -> str:
    """`pod_logs of deployment shop/web`."""
    return f"{short(name)} of {target}"


def words(name: str) -> str:
    """`rollout restart` for `kubernetes.rollout_restart`."""
    return short(name).replace("_", " ")


def _kubectl(action: str, target: Target) -> str:
    """The same thing by hand, for the actions of which it is known."""
    by_hand = _KUBECTL.get(action)
    place = f"{target.kind.lower()}/{target.name}"
    return f"kubectl -n {target.namespace} {by_hand} {place}" if by_hand else ""


def _seen(excerpt: str, facts: Mapping[str, object]) -> str:
    told = ", ".join(f"{name}={value!r}" for name, value in facts.items())
    return shortened(excerpt) or shortened(told) or "nothing special"


def _fitted(kind: type[R], fields: dict[str, Any], found: object, name: str) -> R:
    """A contract with the scripted fields in place of the plain ones."""
    wanted = dict(found) if isinstance(found, Mapping) else {}
    unknown = sorted(set(wanted) - set(kind.model_fields))
    if unknown:
        raise BadScript(f"{name}: a {kind.__name__} has no field {', '.join(unknown)}")
    try:
        return kind.model_validate(fields | wanted)
    except ValidationError as err:
        raise BadScript(f"{name}: {err}") from err
