"""What may be said to an incident, and by whom: its signal, its updates, their refusals.

Handlers only change state and leave word; the incident's loop does what follows from it.
"""

from pydantic import ValidationError
from temporalio import workflow

from contracts.alert import Alert, AlertEnvelope
from contracts.calls import (
    MATCH,
    IncidentRef,
    IncidentStart,
    Match,
    MatchCall,
    PageRequest,
    PersonRequest,
    RunRequest,
)
from contracts.errors import AlreadyDecided, InvalidInput, NotAllowed, NotFound
from workflows.calls import refusal, steadfast
from workflows.incident_state import IncidentState, TakenOver

CASE_ALERTS_MAX = 20
PAGED_MAX = 10
# Pages are written down at once and before a close; runs that began earlier hear them in turn.
PAGES_FIRST = "pages-come-first"
# A run asked for after the close is another incident; earlier it re-opened the one that was over.
NEXT_BY_HAND = "next-incident-by-hand"


def new_id() -> str:
    """A public id of an incident, the same at every replay."""
    return f"inc-{workflow.uuid4().hex[:12]}"


class IncidentDoors:
    """The base of `Incident`. Everything a handler touches is set here, before `run` begins."""

    @workflow.init
    def __init__(self, start: IncidentStart) -> None:
        self.state = IncidentState.begin(start)
        self._inbox: list[Alert] = []
        self._unreadable: list[str] = []
        self._said: list[tuple[str, PersonRequest]] = []
        self._pages: list[PageRequest] = []
        # Who closes it, from their word until it is closed: a running write is waited for.
        self._closing = ""

    @workflow.signal
    def alert(self, envelope: AlertEnvelope) -> None:
        """One notification about this target."""
        try:
            self._inbox.append(envelope.open())
        except ValidationError as err:
            self._unreadable.append(f"an alert of another version: {err.error_count()} faults")

    @workflow.update
    async def take_over(self, request: PersonRequest) -> IncidentRef:
        """A person does it by hand: the runbook is cancelled and hands-on time begins. Said again,
        it means that they are still at it.
        """
        now, taken = workflow.now(), self.state.taken
        if taken is None:
            self._said.append(("take_over", request))
        began = now if taken is None else taken.at
        self.state.taken = TakenOver(person=request.person, at=began, last_seen=now)
        return self._ref()

    @take_over.validator
    def _check_take_over(self, request: PersonRequest) -> None:
        self._check_same(request)
        taken = self.state.taken
        if self.state.closed_at is not None:
            raise refusal(AlreadyDecided("the incident is closed"))
        self._check_not_closing()
        if taken is not None and taken.person != request.person:
            raise refusal(AlreadyDecided(f"{taken.person} has it since {taken.at:%H:%M:%S} UTC"))

    @workflow.update
    async def hand_back(self, request: PersonRequest) -> IncidentRef:
        """Ends a take-over; the time between is recorded as hands-on."""
        self._said.append(("hand_back", request))
        return self._ref()

    @hand_back.validator
    def _check_hand_back(self, request: PersonRequest) -> None:
        self._check_same(request)
        taken = self.state.taken
        if taken is None:
            raise refusal(AlreadyDecided("nobody has taken this incident over"))
        if taken.person != request.person:
            raise refusal(NotAllowed(f"{taken.person} took it over and hands it back"))

    @workflow.update
    async def close(self, request: PersonRequest) -> IncidentRef:
        """A person ends the incident, whatever its alerts say."""
        self._closing = request.person
        self._said.append(("close", request))
        return self._ref()

    @close.validator
    def _check_close(self, request: PersonRequest) -> None:
        self._check_same(request)
        if self.state.closed_at is not None:
            raise refusal(AlreadyDecided(f"closed already; {request.person} need not"))

    @workflow.update
    async def page(self, request: PageRequest) -> IncidentRef:
        """A person calls somebody else to it; channels ring them."""
        if workflow.patched(PAGES_FIRST):
            self._pages.append(request)
        else:
            self._said.append(("page", request))
        return self._ref()

    @page.validator
    def _check_page(self, request: PageRequest) -> None:
        self._check_same(request)
        if self.state.closed_at is not None:
            raise refusal(AlreadyDecided("the incident is closed; nobody needs to come"))
        self._check_not_closing()
        if not 0 < len(request.whom) <= PAGED_MAX or not all(request.whom):
            raise refusal(InvalidInput(f"say whom to page: 1 to {PAGED_MAX} people or groups"))

    @workflow.update(name="run")
    async def run_runbook(self, request: RunRequest) -> IncidentRef:
        """A person starts a runbook; it runs after the one that runs now. A name that the
        catalogue does not know is refused before anything is queued.
        """
        await workflow.wait_condition(lambda: self.state.id != "")
        match = await self._match(request.runbook)
        if match.runbook is None:
            fix = "Name one of those, and a target that exists."
            raise refusal(InvalidInput(match.reason, fix))
        # Somebody else may have asked for it meanwhile.
        self._check_again(request)
        self.state.ask_for(request, workflow.now())
        return self._after_the_close(request) or self._ref()

    def _after_the_close(self, request: RunRequest) -> IncidentRef | None:
        """The incident that this request will open, where the one before it is over."""
        if self.state.closed_at is None or request.dry_run or request not in self.state.requests:
            return None
        if not workflow.patched(NEXT_BY_HAND):
            return None
        self.state.next_id = self.state.next_id or new_id()
        return IncidentRef(incident=self.state.next_id, status="open")

    @run_runbook.validator
    def _check_run(self, request: RunRequest) -> None:
        taken = self.state.taken
        if taken is not None:
            fix = "Hand it back first." if taken.person == request.person else None
            raise refusal(NotAllowed(f"{taken.person} has taken this incident over", fix))
        self._check_again(request)

    def _check_again(self, request: RunRequest) -> None:
        if request.again and (refused := self.state.why_not_again(request)):
            raise refusal(refused)

    async def _match(self, runbook: str | None) -> Match:
        """Ask the catalogue about the alerts that wait for an answer, or about that runbook."""
        state = self.state
        wanted = MatchCall(
            incident=state.id,
            target=state.target,
            alerts=(state.unhandled or state.firing)[:CASE_ALERTS_MAX],
            runbook=runbook,
        )
        return await steadfast(MATCH, wanted, Match, "which runbook applies")

    def _check_not_closing(self) -> None:
        if self._closing:
            fix = "Wait until it is closed; if its alerts fire on, it opens again."
            raise refusal(AlreadyDecided(f"{self._closing} is closing the incident", fix))

    def _check_same(self, request: PersonRequest) -> None:
        if request.incident and request.incident != self.state.id:
            raise refusal(NotFound(f"{request.incident} is over; {self.state.id} is another one"))

    def _ref(self) -> IncidentRef:
        return IncidentRef(incident=self.state.id, status=self.state.status)
