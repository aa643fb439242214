"""Game days: a scenario is played on the sandbox, and what happened is held against what should.

A composition root beside `demo`. The answer of a rehearsal is a judgement, so nothing here helps
the runbook: it gets what production would give it, and a minute of time.
"""

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ValidationError

from contracts.case import OutcomeStatus
from contracts.errors import InvalidInput, Unavailable
from contracts.matching import Matcher
from contracts.policy import Policy, RunbookPolicy, Service
from contracts.target import Target
from playing import Choice, Ended, Json, Story
from sandbox.objects import timestamp
from sandbox.scenario_file import (
    BadRelease,
    Expect,
    Plot,
    Release,
    Scenario,
    Workload,
    find_scenario,
    read_scenario,
)
from sandbox.scripts import CRASH_LOOP_UNTIL_RESTARTED
from settings import read_policy
from staging import (
    POLICY_FILE,
    Place,
    play_once,
    progress,
    staged,
    stopped,
    tell,
    to_its_end,
)

EXPIRY_SECONDS = 3
STAND_IN_DEADLINE_SECONDS = 10
TRIAL_SECONDS_MAX = 600.0
APPROVERS = ("ana", "ben")

Answer = Literal["approve", "deny", "silence"]
CHOICES = {
    "approve": Choice("approve"),
    "deny": Choice("deny", "tried on the sandbox"),
    "silence": Choice("expire"),
}


class Rehearsal(Story):
    """The story and its judgement: the object of `firebreak demo --scenario NAME --once --json`.

    `ok` says that `runbook`, `outcome`, `effective_writes` and `healthy` are as `expected`, and
    that the books hold each write and each answer once.
    """

    scenario: str
    runbook: str | None
    summary: str
    healthy: bool
    expected: Expect


class Trial(BaseModel):
    """What a runbook did on the sandbox; `timeline` has one line for each entry of its incident."""

    runbook: str
    outcome: OutcomeStatus | None
    summary: str
    effective_writes: int | None
    incident: str
    timeline: list[str]


def policy_of(scenario: Scenario, choice: Choice | None) -> Policy:
    """The demo's policy, with the scenario's workload and autonomy in it."""
    where = scenario.workload
    target = Target(
        cluster="default", namespace=where.namespace, kind="Deployment", name=where.name
    )
    policy = _demo_policy(choice)
    if policy.service_of(target, {}) is None:
        labels = {"service": where.name, "namespace": where.namespace}
        policy = _about(policy, target, [labels])
    autonomy = scenario.policy.autonomy.items()
    runbooks = {name: RunbookPolicy(autonomy=level) for name, level in autonomy}
    limits = policy.limits.model_copy(update={"nodes": scenario.policy.nodes})
    return policy.model_copy(update={"runbooks": policy.runbooks | runbooks, "limits": limits})


def _demo_policy(choice: Choice | None) -> Policy:
    """What expires does not wait 15 minutes for it."""
    policy = read_policy(POLICY_FILE)
    if choice is None or choice.ending != "expire":
        return policy
    rules = policy.incident.model_copy(update={"approval_seconds": EXPIRY_SECONDS})
    return policy.model_copy(update={"incident": rules})


def _about(policy: Policy, target: Target, labelled: Sequence[dict[str, str]]) -> Policy:
    """The policy for this one workload: alerts with one of these sets of labels are about it."""
    services = [
        Service(
            name=target.name if number == 0 else f"{target.name}-{number}",
            matchers=tuple(Matcher(label=k, op="=", value=v) for k, v in labels.items()),
            target=target,
            team="identity",
            approvers=APPROVERS,
        )
        for number, labels in enumerate(labelled)
    ]
    limits = policy.limits.model_copy(update={"namespaces": (target.namespace,)})
    return policy.model_copy(update={"services": tuple(services), "limits": limits})


def expected_of(scenario: Scenario, choice: Choice) -> Expect:
    """How it must end with that answer; where nobody is asked, no answer matters."""
    told = scenario.expect
    alone = scenario.policy.autonomy.get(told.runbook or "") == "auto"
    if choice.ending == "approve" or alone or not told.effective_writes:
        return told
    outcome = "declined" if choice.ending == "deny" else "expired"
    changes = {
        "outcome": outcome,
        "effective_writes": 0,
        "receipts": None,
        "healthy": not scenario.is_sick,
    }
    return told.model_copy(update=changes)


def as_it_should(expect: Expect, ended: Ended) -> bool:
    """Whether it ended so, and the books hold each write and each answer once."""
    story, kept = ended.story, expect.effective_writes
    if expect.receipts is not None:
        kept = expect.receipts
    books = (story.receipts, story.entries, story.observations)
    wanted = expect.model_copy(update={"receipts": None})
    return _happened(ended) == wanted and books == (kept, kept, ended.answers)


def _happened(ended: Ended) -> Expect:
    """Where the cluster does not tell the writes, the receipts have to do."""
    told = ended.story.effective_writes
    return Expect.model_construct(
        runbook=ended.runbook,
        outcome=ended.story.outcome,
        effective_writes=ended.story.receipts if told is None else told,
        healthy=ended.healthy,
    )


async def run_rehearsal(name: str, choice: Choice | None, place: Place, *, as_json: bool) -> bool:
    """Play the scenario of that name or file; without a choice, people decide in the browser.

    Raises:
        InvalidInput: there is no such scenario, or its file is faulty.
        FirebreakError: it could not go on, or was stopped before a story without people ended.

    """
    path = find_scenario(name, place.folders)
    scenario = read_scenario(path)
    policy = policy_of(scenario, choice)
    if choice is None:
        greeting = f"{scenario.title}.\n\n{scenario.story.strip()}"
        await to_its_end(tell(scenario, policy, place, greeting, as_json=as_json))
        return True
    ended = await to_its_end(play_once(scenario, policy, place, choice, quiet=as_json))
    if ended is None:
        raise stopped()
    judged = judge(path.stem, expected_of(scenario, choice), ended)
    sys.stdout.write(f"{judged.model_dump_json() if as_json else _verdict(judged, ended)}\n")
    return judged.ok


def judge(name: str, expect: Expect, ended: Ended) -> Rehearsal:
    """The story of that scenario, held against what should have come of it."""
    told = ended.story.model_dump() | {"ok": as_it_should(expect, ended)}
    return Rehearsal(
        **told,
        scenario=name,
        runbook=ended.runbook,
        summary=ended.summary,
        healthy=ended.healthy,
        expected=expect,
    )


def _verdict(judged: Rehearsal, ended: Ended) -> str:
    """A few lines for people."""
    happened = _happened(ended)
    lines = [
        f"{judged.scenario}: {'as it should be' if judged.ok else 'NOT as it should be'}",
        f"  expected  {_words(judged.expected)}",
        f"  happened  {_words(happened)}",
        f"            {judged.summary}",
    ]
    if not judged.ok and happened == judged.expected:
        lines.append(
            f"  The books hold {judged.receipts} receipts, {judged.entries} entries and "
            f"{judged.observations} answers, of {judged.effective_writes} writes and "
            f"{ended.answers} answers."
        )
    return "\n".join(lines)


def _words(end: Expect) -> str:
    how = f"{end.runbook}: {end.outcome or 'no outcome'}" if end.runbook else "no runbook"
    writes = f"{end.effective_writes} write{'' if end.effective_writes == 1 else 's'}"
    return f"{how}, {writes}, the workload {'well' if end.healthy else 'sick'} at the end"


async def against_sandbox(
    runbook: str,
    target: Target,
    body: Json,
    answer: Answer,
    *,
    folders: Sequence[Path] = (),
    fault: str = CRASH_LOOP_UNTIL_RESTARTED,
) -> Trial:
    """Run a runbook for real, on a sandbox with a stand-in for `target` that has two revisions.

    `body` is a notification as Alertmanager sends it: what fires in it fires now, about the
    stand-in. `folders` are those of a team's own runbooks. The runbook may ask, whatever the
    team's policy says of it.

    Raises:
        InvalidInput: the target is no Deployment, or the catalogue does not choose this runbook.
        Unavailable: it did not end in `TRIAL_SECONDS_MAX`.
        FirebreakError: it could not go on.

    """
    choice = CHOICES[answer]
    plot, policy = _stand_in(target, fault), _policy_for(runbook, target, body, choice)
    place = Place(port=0, folders=tuple(folders))
    ended = await to_its_end(_try(plot, policy, place, choice, body))
    if ended is None:
        raise stopped()
    if ended.runbook != runbook:
        raise _other_runbook(runbook, ended)
    if ended.story.outcome is None:
        text = f"{runbook} did not end in {TRIAL_SECONDS_MAX:.0f} s; it said last: {ended.summary}"
        fix = "On the sandbox waits take their time; try it without --against, which skips them."
        raise Unavailable(text, fix)
    return Trial(
        runbook=runbook,
        outcome=ended.story.outcome,
        summary=ended.summary,
        effective_writes=ended.story.effective_writes,
        incident=ended.story.incident,
        timeline=[f"{item['type']:<12}{item['text']}" for item in ended.timeline],
    )


async def _try(plot: Plot, policy: Policy, place: Place, choice: Choice, body: Json) -> Ended:
    async with (
        staged(policy, place) as stage,
        stage.playing(plot, lambda _, now: [_now(body, now)]) as demo,
    ):
        with progress("trying it on the sandbox", quiet=not sys.stderr.isatty()):
            return await stage.stack.unless_failed(demo.play(choice, TRIAL_SECONDS_MAX))


def _stand_in(target: Target, fault: str) -> Plot:
    if target.kind != "Deployment":
        fix = "Try it without --against sandbox: what it would find is then scripted."
        raise InvalidInput(f"{target}: the sandbox has Deployments only", fix)
    image = f"registry.example/{target.name}"
    try:
        return Plot(
            workload=Workload(
                namespace=target.namespace,
                name=target.name,
                progress_deadline_seconds=STAND_IN_DEADLINE_SECONDS,
            ),
            good=Release(image=f"{image}:1.0"),
            bad=BadRelease(image=f"{image}:1.1", fault=fault),
        )
    except ValidationError as err:
        why = "; ".join(fault["msg"] for fault in err.errors())
        raise InvalidInput(f"{target} on the sandbox: {why}") from None


def _policy_for(runbook: str, target: Target, body: Json, choice: Choice) -> Policy:
    labelled = [alert["labels"] for alert in body["alerts"] if alert["status"] == "firing"]
    policy = _about(_demo_policy(choice), target, labelled)
    sources = [source.model_copy(update={"cluster": target.cluster}) for source in policy.sources]
    changes = {
        "clusters": (target.cluster,),
        "sources": tuple(sources),
        "runbooks": {runbook: RunbookPolicy(autonomy="ask")},
    }
    return policy.model_copy(update=changes)


def _now(body: Json, at: datetime) -> Json:
    """The same notification, with what fires in it firing since now."""
    fires = {"startsAt": timestamp(at), "endsAt": "0001-01-01T00:00:00Z"}
    firing = [alert | fires for alert in body["alerts"] if alert["status"] == "firing"]
    return body | {"alerts": firing}


def _other_runbook(runbook: str, ended: Ended) -> InvalidInput:
    told = [item["text"] for item in ended.timeline if item["type"] in ("matched", "escalated")]
    why = told[0] if told else ended.summary
    fix = f"Change the alert's labels, or the @on_alert of {runbook} or its weight."
    return InvalidInput(f"the alert did not start {runbook}: {why}", fix)
