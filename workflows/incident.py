"""An incident: gathers the alerts of one target, runs runbooks one after another, and closes.

One loop: take in what came, end what ended, hear people, keep time, start what is due, wait.
While a runbook runs, the incident neither returns nor continues as new, because the server would
kill the runbook.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from temporalio import workflow

from contracts.alert import Alert
from contracts.calls import (
    IncidentRef,
    IncidentStart,
    Match,
    PageRequest,
    PersonRequest,
    RunRequest,
)
from contracts.case import NOBODY, Case
from contracts.groups import approver_labels
from contracts.journal import Event, IncidentChange, IncidentStatus
from contracts.toil import Observation
from workflows.attempts import Attempts
from workflows.incident_doors import CASE_ALERTS_MAX, PAGES_FIRST, IncidentDoors, new_id
from workflows.scribe import Scribe

IDLE = timedelta(hours=6)


@workflow.defn
class Incident(IncidentDoors):
    """See the module. `state` is all that it carries when it continues as new."""

    @workflow.init
    def __init__(self, start: IncidentStart) -> None:
        super().__init__(start)
        self._attempts = Attempts()
        self._scribe = self._new_scribe()

    @workflow.run
    async def run(self, start: IncidentStart) -> IncidentRef:  # noqa: ARG002 - read by __init__
        """Live until closed and beyond re-opening."""
        await self._open()
        while self._lives():
            await self._begin_next()
            await self._take_in()
            await self._end_attempt()
            await self._hear_people()
            await self._keep_time()
            await self._start_due()
            self._continue_when_long()
            await self._wait()
        return self._ref()

    def _lives(self) -> bool:
        over = self.state.is_over(workflow.now())
        return not over or self._attempts.running or self._has_work()

    def _new_scribe(self) -> Scribe:
        state = self.state
        return Scribe(state.id, state.id, messenger=state.messenger, lines=state.lines)

    async def _open(self) -> None:
        if self.state.id:
            return
        fresh = self._absorbed()
        match = await self._match(None)
        self.state.adopt(match, workflow.now())
        self.state.id = new_id()
        await self._opened("", fresh)

    async def _opened(self, why: str, alerts: Sequence[Alert]) -> None:
        state = self.state
        self._scribe = self._new_scribe()
        about = str(state.target) if state.target else "no known workload"
        opened = self._scribe.event("opened", f"opened for {about}{why}")
        change = IncidentChange(
            workflow=workflow.info().workflow_id,
            status="open",
            target=state.target,
            service=state.service,
            team=state.team,
            opened_at=workflow.now(),
        )
        lines = [self._alert_line(alert) for alert in alerts]
        await self._scribe.write(opened, *lines, change=change, alerts=tuple(alerts))

    async def _begin_next(self) -> None:
        """What somebody asks for after the close is an incident of its own: the story of the one
        that is over stays as it was.
        """
        if not self.state.next_id or self._attempts.running:
            return
        asked = next(request for request in self.state.requests if not request.dry_run)
        self.state = self.state.next(workflow.now())
        why = f", because {asked.person} runs {asked.runbook}"
        await self._opened(why, self.state.firing)

    def _absorbed(self) -> list[Alert]:
        taken_in, self._inbox = self._inbox, []
        now = workflow.now()
        return [self.state.alerts[a.identity] for a in taken_in if self.state.absorb(a, now)]

    def _alert_line(self, alert: Alert) -> Event:
        data = {"source": alert.source, "fingerprint": alert.fingerprint, "cut": list(alert.cut)}
        text = f"{alert.name} {alert.status}: {alert.summary}"
        return self._scribe.event("alert", text, alert.source, data)

    async def _take_in(self) -> None:
        fresh = self._absorbed()
        lines = [self._alert_line(alert) for alert in fresh]
        lines += [self._scribe.event("note", f"unreadable: {why}") for why in self._unreadable]
        lines += [self._scribe.event("note", text) for text in self.state.overflow_notes()]
        unreadable, self._unreadable = self._unreadable, []
        if self.state.closed_at is not None and self.state.unhandled and not self.state.next_id:
            await self._reopen("an alert fires again")
        if lines:
            await self._scribe.write(*lines, alerts=tuple(fresh))
        if unreadable and not self.state.alerts:
            why = "an alert came that this version cannot read"
            await self._set("escalated", self._scribe.event("escalated", why))

    async def _reopen(self, why: str) -> None:
        self.state.reopen()
        line = self._scribe.event("reopened", f"re-opened: {why}")
        await self._set("open", line, IncidentChange(reopen=True))

    async def _start_due(self) -> None:
        if self._attempts.running or self.state.taken is not None or self.state.next_id:
            return
        if self.state.requests:
            request = self.state.requests.pop(0)
            if self.state.closed_at is not None and not request.dry_run:
                await self._reopen(f"{request.person} runs {request.runbook}")
            await self._start(request)
        elif self.state.may_start(workflow.now()):
            await self._start(None)

    async def _start(self, request: RunRequest | None) -> None:
        match = await self._match(request.runbook if request else None)
        refused = self._why_not(match, request)
        if refused:
            self.state.answer_all()
            line = self._scribe.event("escalated", refused)
            await self._set("escalated" if self.state.status == "open" else self.state.status, line)
            return
        case = self._case(match, request)
        how = "is tried as a dry run" if case.dry_run else "starts"
        facts = case.model_dump(include={"runbook", "attempt", "dry_run"})
        asked = request is not None and request.again
        who = request.person if request else case.actor
        how = f"{how} again, because {who} asks" if asked else how
        text = f"{case.runbook} {how}: {match.reason}"
        line = self._scribe.event("matched", text, who, facts)
        if not case.dry_run:
            self.state.began(case.actor)
            self.state.status = "open"
        await self._set(self.state.status, line, IncidentChange(runbook=case.runbook))
        if not await self._attempts.start(case):
            text = f"attempt {case.attempt} ran already; it was cancelled, and another begins"
            await self._scribe.write(self._scribe.event("note", text))
            self.state.ask_again(request)

    def _why_not(self, match: Match, request: RunRequest | None) -> str:
        """Why nothing starts, or nothing."""
        if self.state.target is None:
            return self.state.why_no_target()
        if match.runbook is None:
            return match.reason
        if request is None and match.runbook in self.state.declined:
            return f"{match.runbook} applies again, and was declined; people have it"
        return ""

    def _case(self, match: Match, request: RunRequest | None) -> Case:
        state = self.state
        state.attempt += 1
        facts = {
            "runbook": match.runbook,
            "target": state.target,
            # What is asked for again stays ours: who asks for it may approve it.
            "actor": request.person if request and not request.again else NOBODY,
            "params": request.params if request else {},
            "dry_run": request.dry_run if request else False,
        }
        return Case(
            **facts,
            incident=state.id,
            attempt=state.attempt,
            alerts=state.firing[:CASE_ALERTS_MAX],
            service=state.service,
            team=state.team,
            messenger=state.messenger,
            approval_seconds=state.rules.approval_seconds,
            remind_percent=state.rules.remind_percent,
            page_percent=state.rules.page_percent,
            pages=match.pages,
        )

    async def _end_attempt(self) -> None:
        outcome = self._attempts.take()
        if outcome is None:
            return
        text, figures = f"{outcome.status}: {outcome.summary}", self._attempts.figures(outcome)
        line = self._scribe.event("outcome", text, data=figures)
        if self._attempts.dry_run:
            # It was asked for to see a plan; it says nothing about the incident.
            await self._set(self.state.status, line)
            return
        self.state.ended(outcome, self._attempts.runbook, workflow.now())
        change = IncidentChange(outcome=outcome.status, summary=outcome.summary)
        await self._set(self.state.status, line, change)

    async def _set(
        self, status: IncidentStatus, line: Event, change: IncidentChange | None = None
    ) -> None:
        self.state.status = status
        workflow.set_current_details(f"**{status}**: {line.text}")
        change = (change or IncidentChange()).model_copy(update={"status": status})
        await self._scribe.write(line, change=change)

    async def _hear_people(self) -> None:
        await self._say_pages()
        said, self._said = self._said, []
        for word, request in said:
            if word == "take_over":
                await self._taken_over(request.person, request.reason)
            elif word == "hand_back":
                await self._handed_back(f"{request.person} hands back", workflow.now())
            elif isinstance(request, PageRequest):
                await self._paged(request)
            else:
                await self._closed_by(request)

    async def _closed_by(self, request: PersonRequest) -> None:
        if self.state.closed_at is None:
            await self._cancel_attempt()
            await self._end_attempt()
            await self._close(f"closed by {request.person}: {request.reason}", request.person)
        self._closing = ""

    async def _cancel_attempt(self) -> None:
        """Cancel what runs; whoever is paged while it ends does not wait for that."""
        if not workflow.patched(PAGES_FIRST):
            await self._attempts.cancel()
            return
        ending = asyncio.ensure_future(self._attempts.cancel())
        while not ending.done():
            await workflow.wait_condition(lambda: ending.done() or bool(self._pages))
            await self._say_pages()
        await ending

    async def _say_pages(self) -> None:
        """Write down every page that has come; afterwards there is none, until somebody waits."""
        while self._pages:
            await self._paged(self._pages.pop(0))

    async def _paged(self, request: PageRequest) -> None:
        text = f"{request.person} pages {approver_labels(request.whom)}"
        text += f": {request.reason}" if request.reason else ""
        data: dict[str, object] = {"whom": list(request.whom)}
        if request.members:
            # A schedule is somebody else tomorrow.
            data["members"] = request.members
        line = self._scribe.event("paged", text, request.person, data)
        await self._scribe.write(line)

    async def _taken_over(self, person: str, reason: str) -> None:
        text = f"{person} takes over" + (f": {reason}" if reason else "")
        await self._set("taken_over", self._scribe.event("taken_over", text, person))
        await self._cancel_attempt()
        self.state.answer_all()

    async def _handed_back(self, why: str, now: datetime) -> None:
        taken = self.state.taken
        if taken is None:
            return
        seconds = self.state.hands_on_seconds(now)
        seen = Observation(
            key=f"take-over:{self.state.id}:{taken.at.isoformat()}",
            person=taken.person,
            at=taken.at + timedelta(seconds=seconds),
            source="take-over",
            action="take_over",
            seconds=seconds,
            service=self.state.service,
            team=self.state.team,
            incident=self.state.id,
            target=self.state.target,
        )
        # What still fires is still somebody's: the catalogue was overruled, so people have it.
        self.state.taken = None
        self.state.status = "escalated" if self.state.firing else "open"
        text = f"{why} after {seconds} s of work"
        line = self._scribe.event("handed_back", text, taken.person, {"seconds": seconds})
        change = IncidentChange(status=self.state.status)
        await self._scribe.write(line, change=change, observations=(seen,))

    async def _keep_time(self) -> None:
        now, state = workflow.now(), self.state
        if state.is_forgotten(now):
            await self._handed_back("forgotten: handed back", now)
        # After the end of the incident nobody would be called.
        await self._say_pages()
        if state.closed_at is not None or state.taken is not None:
            return
        if state.is_quiet(now) and self._attempts.running and state.alerts:
            await self._attempts.calm("the alerts have resolved by themselves")
        elif self._attempts.running:
            return
        elif state.is_quiet(now):
            calm = "all alerts have resolved and stayed so"
            await self._close(calm if state.alerts else "there is no alert, and nothing to do")
        elif state.is_stale(now):
            await self._close(f"stale: nobody repeated the alert for {state.rules.stale_seconds} s")
        elif state.still_alerting(now):
            state.healed_at = None
            why = "the workload is healthy, but its alerts still fire"
            await self._set("escalated", self._scribe.event("escalated", why))

    async def _close(self, why: str, actor: str = NOBODY) -> None:
        now = workflow.now()
        if self.state.taken is not None:
            await self._handed_back("closed: handed back", now)
        await self._say_pages()
        self.state.close(now)
        change = IncidentChange(closed_at=now, outcome=self.state.outcome)
        await self._set("closed", self._scribe.event("closed", why, actor), change)

    def _has_work(self) -> bool:
        startable = bool(self.state.requests) and not self._attempts.running
        return bool(
            self._inbox
            or self._unreadable
            or self._said
            or self._pages
            or self._attempts.has_ended
            or (startable and self.state.taken is None)
        )

    async def _wait(self) -> None:
        attempts = self._attempts
        wake = self.state.wake_at(running=attempts.running, calmed=attempts.calmed)
        wake = wake or workflow.now() + IDLE
        left = max(wake - workflow.now(), timedelta(0))
        try:
            await workflow.wait_condition(self._has_work, timeout=left)
        except TimeoutError:
            return

    def _continue_when_long(self) -> None:
        info = workflow.info()
        if self._attempts.running or self._has_work() or not info.is_continue_as_new_suggested():
            return
        state = self.state
        state.lines = self._scribe.lines
        again = IncidentStart(target=state.target, identity=state.identity, carried=state.carried())
        workflow.continue_as_new(again)
