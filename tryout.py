"""From an alert in a file to the case that a runbook would be given: `firebreak runbooks try`.

A composition root without cluster, server and network. What only a cluster can say is stood in
for, and each stand-in is told.
"""

import asyncio
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from contracts.alert import Alert
from contracts.case import Case
from contracts.errors import InvalidInput
from contracts.policy import Policy, Source
from contracts.target import Target
from gateway.alertmanager import Reader, read_message
from workflows.authoring.folders import Found
from workflows.authoring.play.people import Answer
from workflows.authoring.play.player import play
from workflows.authoring.play.sample_case import sample_case
from workflows.authoring.play.world import Script
from workflows.trigger import triggers_of

INCIDENT = "inc-try"
ALERT_BYTES_MAX = 4_000_000
# A ReplicaSet adds its hash and five letters, a StatefulSet a number.
_POD = re.compile(r"(?P<workload>.+?)(-[a-z0-9]{6,10}-[a-z0-9]{5}|-[0-9]+)?")


class Given(NamedTuple):
    """The case, and what had to be assumed to make it."""

    case: Case
    notes: tuple[str, ...]


def read_alerts(body: bytes, policy: Policy) -> tuple[Alert, ...]:
    """The firing alerts of a body as Alertmanager sends it, read as the gateway would.

    Raises:
        InvalidInput: it is no such body, or none of its alerts can be accepted or fires.

    """
    if len(body) > ALERT_BYTES_MAX:
        raise InvalidInput(f"the alert has more than {ALERT_BYTES_MAX} bytes", "Send less.")
    source = Source(name="try", kind="alertmanager", cluster=policy.clusters[0])
    message = read_message(body, Reader(source, policy, datetime.now(UTC)))
    firing = tuple(alert for alert in message.accepted if alert.status == "firing")
    if not firing:
        why = "; ".join(f"alerts[{r.index}] {r.error}" for r in message.rejected)
        fix = 'Give it an alert with "status": "firing" and the labels your rule would set.'
        raise InvalidInput(why or "no alert in it is firing", fix)
    return firing


def case_for(found: Found, alerts: tuple[Alert, ...], policy: Policy) -> Given:
    """The case of the first incident that these alerts would open for the runbook.

    Raises:
        InvalidInput: no alert starts the runbook, with the matcher that failed and what the alert
            has instead; or the alert names no workload.

    """
    mine = [alert for alert in alerts if _starts(found, alert)]
    if not mine:
        misses = "\n".join(f"  {line}" for alert in alerts for line in _misses(found, alert))
        fix = "Change the alert's labels, or the @on_alert of the runbook."
        raise InvalidInput(f"no alert starts {found.name}:\n{misses}", fix)
    target, notes = _target_of(mine[0])
    service = policy.service_of(target, mine[0].trigger_labels)
    case = Case(
        incident=INCIDENT,
        attempt=1,
        runbook=found.name,
        target=target,
        alerts=tuple(mine),
        service=service.name if service else "",
        team=service.team if service else "",
        approval_seconds=policy.incident.approval_seconds,
    )
    return Given(case, notes)


def _starts(found: Found, alert: Alert) -> bool:
    return any(trigger.matches(alert.trigger_labels) for trigger in triggers_of(found.runbook))


def _misses(found: Found, alert: Alert) -> Iterator[str]:
    labels = alert.trigger_labels
    triggers = triggers_of(found.runbook)
    for trigger in triggers:
        miss = trigger.first_miss(labels)
        if miss is not None:
            have = labels.get(miss.label)
            is_now = f'{miss.label}="{have}"' if have is not None else f"no label {miss.label}"
            yield f"{alert.name}: wants {miss}, has {is_now}"
    if not triggers:
        yield "it has no @on_alert: only a person can start it"


def _target_of(alert: Alert) -> tuple[Target, tuple[str, ...]]:
    if alert.target is not None:
        return alert.target, ()
    pod = alert.subject
    found = _POD.fullmatch(pod.name) if pod is not None else None
    if pod is None or found is None:
        fix = "Add namespace and deployment (or pod), or a [[services]] entry with a target."
        raise InvalidInput(f"{alert.name} names no workload", fix)
    target = pod.model_copy(update={"kind": "Deployment", "name": found["workload"]})
    note = f"Assumed that {pod} belongs to {target}; in production the cluster is asked."
    return target, (note,)


class Wish(NamedTuple):
    """What the author wants to see: the body of a notification, or None for a sample; how people
    answer; and what steps find.
    """

    body: bytes | None
    answer: Answer
    find: Mapping[str, object]


class Tried(NamedTuple):
    """What happened, for machines and for people."""

    told: dict[str, Any]
    text: str


def try_out(found: Found, policy: Policy, wish: Wish, *, on_sandbox: bool) -> Tried:
    """Play the runbook on what it would be given.

    Raises:
        FirebreakError: the alert starts it not, or the runbook has a bug.

    """
    given = given_to(found, policy, wish.body)
    if on_sandbox:
        return _on_sandbox(found, given, wish)
    played = play(found.runbook, given.case, Script(answer=wish.answer, find=wish.find))
    told = {
        "outcome": played.outcome.model_dump(mode="json"),
        "transcript": [line._asdict() for line in played.transcript],
        "notes": list(given.notes),
    }
    return Tried(told, "\n".join([*given.notes, str(played)]))


def given_to(found: Found, policy: Policy, body: bytes | None) -> Given:
    """The case of that notification, or of a sample when there is none."""
    if body is not None:
        return case_for(found, read_alerts(body, policy), policy)
    return Given(sample_case(found.runbook), ("No --alert was given: this is a sample alert.",))


def _on_sandbox(found: Found, given: Given, wish: Wish) -> Tried:
    """Imported late: it loads everything that Firebreak is."""
    from rehearsal import against_sandbox

    if wish.find:
        fix = "Leave --find out: on the sandbox, steps find what is there."
        raise InvalidInput("--find goes with a try without a cluster", fix)
    folders = () if found.shipped else (found.path.parent,)
    work = against_sandbox(
        found.name, given.case.target, _notification(given.case), wish.answer, folders=folders
    )
    trial = asyncio.run(work)
    writes = f"{trial.effective_writes} write{'' if trial.effective_writes == 1 else 's'}"
    end = f"{trial.outcome}: {trial.summary}; {writes} to the sandbox"
    return Tried(trial.model_dump(mode="json"), "\n".join([*given.notes, *trial.timeline, end]))


def _notification(case: Case) -> dict[str, Any]:
    """The case's alerts, those that were accepted, as Alertmanager would send them."""
    alerts = [
        {
            "status": "firing",
            "labels": alert.labels,
            "annotations": alert.annotations,
            "startsAt": alert.starts_at.isoformat(),
        }
        for alert in case.alerts
    ]
    return {"version": "4", "status": "firing", "alerts": alerts}
