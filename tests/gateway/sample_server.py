"""Serves every page with sample data, to be looked at: `python tests/gateway/sample_server.py`.

Sign in with `token-ana`. Decisions answer as a workflow would; nothing else happens.
"""

import sys
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvicorn

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from gateway_fakes import (  # noqa: E402
    APPROVAL,
    INCIDENT,
    NOW,
    POLICY,
    RUN,
    TARGET,
    WORKFLOW,
    FakeTemporal,
    agreed,
    approval,
    make_doors,
    open_incident,
)

from contracts.alert import Alert  # noqa: E402 - the paths come first
from contracts.catalogue import FaultyFile, Served, ServedRunbook  # noqa: E402
from contracts.errors import Expired  # noqa: E402
from contracts.journal import Event, IncidentChange, Record  # noqa: E402
from contracts.plan import Reason, Verdict  # noqa: E402
from contracts.policy import Limits, Person  # noqa: E402
from contracts.toil import Category, Entry, Observation  # noqa: E402
from gateway.app import build_app, utc_now  # noqa: E402
from gateway.doors import Doors  # noqa: E402
from gateway.temporal import Update  # noqa: E402
from toil.database import open_engine, upgrade  # noqa: E402

SHIFT = utc_now() - NOW
LOG = """2026-11-21T08:24:41Z INFO  user-auth 2.0.0 starting
2026-11-21T08:24:42Z FATAL cannot reach the session store: dial tcp 10.0.0.7:6379: refused
panic: session store <nil>
goroutine 1 [running]: main.main() /src/main.go:41 +0x1d"""


MANUAL = """A restart buys time and hides nothing: the logs are kept before they are lost.

Use it for a worker that lost its connection and does not find it again. It does not help when:

- the image is wrong, because the next pods crash as well,
- the node is out of memory; look at `kubectl top nodes` first, and
  move the workload.

What it does is the same as this by hand:

    kubectl --namespace shop rollout restart deployment/user-auth
    kubectl --namespace shop rollout status deployment/user-auth
"""
STEPS = (
    "look at pod logs",
    "look at events",
    "ask, or what the guardrails say: rollout restart",
    "write: rollout restart",
    "wait until rollout healthy, 10 min at most",
)


OUTAGE = Reason(
    rule="outage",
    ruling="ask",
    text="1 of 1 ready pods goes away, and nothing would serve meanwhile",
    fix="Agree if it serves nobody now anyway.",
)


def fill(here: Doors) -> None:
    """An open incident with a question, and two that are over."""
    known = approval()
    asked = known.model_copy(
        update={
            "verdict": known.verdict.model_copy(update={"reasons": (OUTAGE,)}),
            "opened_at": utc_now() - timedelta(minutes=2),
            "expires_at": utc_now() + timedelta(minutes=13),
        }
    )
    open_incident(here.journal, asked=asked)
    firing = Alert(
        source="alerts",
        fingerprint="57c6d9296de2ad39",
        status="firing",
        name="HighUserAuthLatency",
        labels={
            "alertname": "HighUserAuthLatency",
            "severity": "critical",
            "service": "user-auth",
            "namespace": "shop",
        },
        annotations={"summary": "user-auth answers slowly: p99 is 4.2 s"},
        starts_at=utc_now() - timedelta(minutes=6),
    )
    here.journal.record(Record(incident=INCIDENT, alerts=(firing,), events=tuple(story())))
    here.journal.keep_evidence(
        "k", INCIDENT, kind="logs", title="logs", body=LOG, digest="sha256:1", at=utc_now()
    )
    for number, (status, outcome, text) in enumerate(
        (
            ("closed", "resolved", "user-auth was rolled back to revision 1 and is healthy"),
            ("escalated", "expired", "nobody decided within 15 min; nothing was written"),
        ),
        2,
    ):
        opened = utc_now() - timedelta(days=number, hours=3)
        change = IncidentChange.model_validate(
            {
                "workflow": f"incident/x/{number}",
                "status": status,
                "outcome": outcome,
                "summary": text,
                "target": TARGET,
                "team": "shop",
                "opened_at": opened,
                "closed_at": opened + timedelta(minutes=9) if status == "closed" else None,
            }
        )
        here.journal.record(Record(incident=f"inc-00000000000{number}", change=change))


def story() -> list[Event]:
    """A few more lines."""
    lines: tuple[tuple[str, str, str, dict[str, str]], ...] = (
        (
            "alert",
            "alerts",
            "HighUserAuthLatency firing: user-auth answers slowly: p99 is 4.2 s",
            {},
        ),
        (
            "matched",
            "firebreak",
            "RollbackDeployment starts: HighUserAuthLatency, severity critical",
            {},
        ),
        (
            "evidence",
            "firebreak",
            "3 pods crash-loop; last lines of user-auth-67cd7f4c4-8mwjz",
            {"excerpt": LOG, "digest": "sha256:1"},
        ),
        (
            "asked",
            "firebreak",
            "Roll user-auth back to revision 1? Asked: ana, ben",
            {"approval": APPROVAL},
        ),
    )
    return [
        Event(
            key=f"s{n}",
            at=utc_now() - timedelta(minutes=5) + timedelta(seconds=11 * n),
            actor=actor,
            type=kind,
            text=text,
            data=data,
        )
        for n, (kind, actor, text, data) in enumerate(lines)
    ]


def fill_books(here: Doors) -> None:
    """Eight weeks of somebody's work."""
    plan: tuple[tuple[Category, int], ...] = (
        ("firefighting", 5400),
        ("other_toil", 3600),
        ("engineering", 28800),
        ("overhead", 7200),
    )
    for week in range(8):
        at = utc_now() - timedelta(weeks=week, hours=2)
        for person in ("ana", "ben", "cem", "dia", "eva"):
            for category, seconds in plan:
                spent = seconds // 2 + week * (300 if category == "firefighting" else -60)
                entry = Entry(
                    key=f"{week}/{person}/{category}",
                    category=category,
                    method="log",
                    confidence="confirmed",
                    seconds=spent,
                    occurred_at=at,
                    text="x",
                    person=person,
                    team="shop",
                    service="user-auth",
                )
                here.ledger.append(entry, at)
            seen = Observation(
                key=f"o{week}{person}",
                person=person,
                at=at,
                source="approval",
                action="approve",
                seconds=90,
                team="shop",
                service="user-auth",
            )
            here.ledger.observe(seen, at)


def fill_runbooks(here: Doors) -> None:
    """Three runbooks, a file with a fault, and what they did lately."""
    common: dict[str, Any] = {"shipped": True, "fingerprint": f"sha256:{'4f1b9c' * 10}9a7e"}
    crash_loop = ServedRunbook(
        name="restart_crash_loop",
        title="Restart a deployment whose pods crash-loop: once, and only after a human agrees.",
        manual=MANUAL,
        triggers=('alertname="KubePodCrashLooping" (weight 10)',),
        steps=STEPS,
        autonomy="ask",
        services={"user-auth": "auto", "checkout": "observe"},
        path="runbooks/restart_crash_loop.py",
        **common,
    )
    rollback = ServedRunbook(
        name="RollbackDeployment",
        title="Roll a deployment back to the revision before a bad release.",
        triggers=('alertname=~"High.+Latency", severity="critical"', 'alertname="Rollout"'),
        steps=("read the rollout history", *STEPS),
        autonomy="auto",
        path="runbooks/rollback_deployment.py",
        **common,
    )
    own = ServedRunbook(
        name="drain_payment_queue_of_a_worker_that_does_not_answer_any_more",
        path="/srv/payments/firebreak-runbooks/drain_payment_queue.py",
        triggers=('alertname="PaymentQueueIsStuck", namespace=~"payments-(eu|us)-[0-9]+"',),
    )
    fault = FaultyFile(
        path="/srv/payments/firebreak-runbooks/restart_broker.py",
        line=14,
        reason="time.time() reads the machine's clock, so a replay would read another one",
        remedy="Use `workflow.now()`.",
    )
    limits = Limits(namespaces=("shop", "payments-eu-1"))
    served = Served(
        at=utc_now(), runbooks=(crash_loop, rollback, own), faults=(fault,), limits=limits
    )
    here.catalogue.serve(served)
    lines = [_ran(n, status) for n, status in enumerate(["resolved"] * 12 + ["expired", "failed"])]
    lines += [_would_have(n, own.name) for n in range(3)]
    here.journal.record(Record(incident=INCIDENT, events=tuple(lines)))


def _ran(number: int, status: str) -> Event:
    at = utc_now() - timedelta(days=number)
    seconds = 100 + 17 * number
    data = {"runbook": "restart_crash_loop", "status": status, "seconds": seconds}
    return Event(key=f"r{number}", at=at, actor="firebreak", type="outcome", text="x", data=data)


def _would_have(number: int, runbook: str) -> Event:
    at = utc_now() - timedelta(days=2 * number, hours=1)
    reason = Reason(rule="autonomy", ruling="deny", text=f"{runbook} only observes")
    verdict = Verdict(ruling="deny", reasons=(reason,)).model_dump(mode="json")
    data = verdict | {"runbook": runbook, "plan": "Restart deployment payments-eu-1/worker: 3 pods"}
    return Event(key=f"w{number}", at=at, actor="firebreak", type="verdict", text="x", data=data)


def decide(update: Update) -> object:
    """As the workflow would, and written into the journal."""
    answer = agreed(update).model_copy(
        update={
            "opened_at": utc_now() - timedelta(minutes=2),
            "expires_at": utc_now() + timedelta(minutes=12),
        }
    )
    SERVED[0].journal.record(Record(incident=INCIDENT, approval=answer))
    return answer


SERVED: list[Doors] = []


def main() -> None:
    """Serve on the port given, 8765 by default."""
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8765
    more = tuple(
        Person(id=name, name=name.title(), teams=("shop",)) for name in ("cem", "dia", "eva")
    )
    policy = POLICY.model_copy(update={"people": (*POLICY.people, *more)})
    fake = FakeTemporal()
    fake.running |= {WORKFLOW, RUN}
    fake.answers |= {"decide": decide, "take_over": Expired("the sample cannot do this")}  # type: ignore[dict-item]
    with TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{folder}/books.db")
        upgrade(engine)
        here = make_doors(
            engine, fake, policy=policy, clock=utc_now, public_url=f"http://127.0.0.1:{port}"
        )
        SERVED.append(here)
        fill(here)
        fill_books(here)
        fill_runbooks(here)
        uvicorn.run(build_app(here), host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main()
