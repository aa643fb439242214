"""The policy file `firebreak.toml` as values: people, services, sources, limits.

The roots read it once and hand it on; nobody else opens the file.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from pydantic import Field, model_validator

from contracts.groups import ONCALL, Members, is_group, people_of
from contracts.limits import Limits as Limits  # noqa: PLC0414 - a table of the policy file
from contracts.matching import Matcher, parse_matcher
from contracts.model import Contract
from contracts.target import Target

Role = Literal["responder", "manager", "author", "admin"]
Autonomy = Literal["observe", "ask", "auto"]
_CAUTIOUS_FIRST: tuple[Autonomy, ...] = ("observe", "ask", "auto")
SourceKind = Literal["alertmanager", "pagerduty", "grafana", "generic", "audit"]


class Person(Contract):
    """Somebody who may act or read. Tokens are kept as SHA-256 only."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")
    name: str
    roles: tuple[Role, ...] = ("responder",)
    teams: tuple[str, ...] = ()
    timezone: str = "UTC"
    email: str = ""
    slack: str = ""
    kubernetes_user: str = ""
    pagerduty: str = ""
    token_sha256: tuple[str, ...] = ()


class Source(Contract):
    """A sender of alerts. `cluster` says which cluster it speaks for; a label may only confirm."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")
    kind: SourceKind
    token_sha256: tuple[str, ...] = ()
    cluster: str = ""
    api_url: str = ""


class Service(Contract):
    """What people call a workload. Matchers are read from text, e.g. `service="user-auth"`."""

    name: str
    matchers: tuple[Matcher, ...] = ()
    target: Target | None = None
    team: str = ""
    upstream: str = ""
    approvers: tuple[str, ...] = ()
    autonomy: Autonomy | None = None
    channel: str = ""

    @model_validator(mode="before")
    @classmethod
    def _read_matchers(cls, data: object) -> object:
        if isinstance(data, dict):
            texts = data.get("matchers", ())
            data = data | {
                "matchers": [parse_matcher(t) if isinstance(t, str) else t for t in texts]
            }
        return data

    def matches(self, labels: dict[str, str]) -> bool:
        """Whether the alert's labels mean this service; no matchers match nothing."""
        return bool(self.matchers) and all(m.matches(labels) for m in self.matchers)


class Freeze(Contract):
    """A time in which nothing is written without a person's consent."""

    name: str
    begins: datetime
    ends: datetime
    namespaces: tuple[str, ...] = ()


class RunbookPolicy(Contract):
    """What a team allows one runbook, and on which services something else. Where nothing is said,
    a runbook that ships with Firebreak asks, and any other only observes.
    """

    autonomy: Autonomy | None = None
    services: dict[str, Autonomy] = Field(default_factory=dict)


class IncidentRules(Contract):
    """The times of an incident. They are recorded in its history when it opens, so that a change
    of policy never changes a run in flight.
    """

    gather_seconds: int = Field(default=5, ge=0, le=300)
    quiet_seconds: int = Field(default=60, ge=0, le=3600)
    resolve_within_seconds: int = Field(default=1800, ge=1)
    flap_seconds: int = Field(default=600, ge=0)
    stale_seconds: int = Field(default=43_200, ge=60)
    take_over_max_seconds: int = Field(default=14_400, ge=60)
    approval_seconds: int = Field(default=900, ge=1)
    remind_percent: int = Field(default=40, ge=0, lt=100)
    page_percent: int = Field(default=70, ge=0, lt=100)

    @model_validator(mode="after")
    def _reminds_first(self) -> "IncidentRules":
        if 0 < self.page_percent <= self.remind_percent:
            raise ValueError("page_percent needs to be above remind_percent, or 0 for never")
        return self


class OnCall(Contract):
    """Who is on call, under a name that `approvers` may hold as `oncall:NAME`. `static` are the
    people of the file; `ical` is a calendar at `url` whose events name people by id, name or
    e-mail; `pagerduty` is a `schedule` of that account. `timezone` is an IANA name: whose days the
    events of a calendar mean that does not say so itself.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")
    kind: Literal["static", "ical", "pagerduty"]
    people: tuple[str, ...] = ()
    url: str = ""
    schedule: str = ""
    timezone: str = ""

    @model_validator(mode="after")
    def _says_where(self) -> "OnCall":
        wanted = {"static": self.people, "ical": self.url, "pagerduty": self.schedule}
        if not wanted[self.kind]:
            key = {"static": "people", "ical": "url", "pagerduty": "schedule"}[self.kind]
            raise ValueError(f"{self.kind} needs `{key}`")
        return self


class SlackPolicy(Contract):
    """Where messages go whose service names no channel, and whom an e-mail address may prove.
    Channels are ids (`C…`, `G…`). `pages` names who is told when nobody answers.
    """

    channel: str = Field(default="", pattern=r"^([CG][A-Z0-9]{2,})?$")
    team: str = Field(default="", pattern=r"^(T[A-Z0-9]{2,})?$")
    match_email: bool = False
    pages: tuple[str, ...] = ()


class ToilPolicy(Contract):
    """`min_group` people at least before a team's minutes are shown; it can only be raised."""

    min_group: int = Field(default=5, ge=3)
    timezone: str = "UTC"
    week_hours: float = Field(default=40.0, gt=0, le=80)


class Policy(Contract):
    """The whole file. `prometheus` gives the base URL of a cluster's Prometheus, by cluster."""

    clusters: tuple[str, ...] = ("default",)
    people: tuple[Person, ...] = ()
    services: tuple[Service, ...] = ()
    sources: tuple[Source, ...] = ()
    prometheus: dict[str, str] = Field(default_factory=dict)
    freezes: tuple[Freeze, ...] = ()
    runbooks: dict[str, RunbookPolicy] = Field(default_factory=dict)
    limits: Limits = Limits()
    incident: IncidentRules = IncidentRules()
    oncall: tuple[OnCall, ...] = ()
    slack: SlackPolicy = SlackPolicy()
    toil: ToilPolicy = ToilPolicy()

    @model_validator(mode="after")
    def _names_are_unique(self) -> "Policy":
        groups = {
            "people": [p.id for p in self.people],
            "services": [s.name for s in self.services],
            "sources": [s.name for s in self.sources],
            "oncall": [schedule.name for schedule in self.oncall],
        }
        for group, names in groups.items():
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(f"{group}: {', '.join(twice)} is defined twice; keep one")
        return self

    def person(self, person_id: str) -> Person | None:
        """The person of that id."""
        return next((p for p in self.people if p.id == person_id), None)

    def service_of(self, target: Target | None, labels: dict[str, str]) -> Service | None:
        """The first service whose target this is, or whose matchers hold for the labels."""
        by_target = (s for s in self.services if target is not None and s.target == target)
        by_labels = (s for s in self.services if s.matches(labels))
        return next(by_target, None) or next(by_labels, None)

    def knowing(self, shipped: Iterable[str]) -> "Policy":
        """The same policy, in which runbooks that ship have the autonomy `ask` unless it says
        something else.
        """
        said = {name: self.runbooks.get(name, RunbookPolicy()) for name in shipped}
        filled = {
            name: known.model_copy(update={"autonomy": known.autonomy or "ask"})
            for name, known in said.items()
        }
        return self.model_copy(update={"runbooks": self.runbooks | filled})

    def services_at(self, lock_keys: Iterable[str]) -> tuple[Service, ...]:
        """The services whose targets have these lock keys."""
        held = set(lock_keys)
        return tuple(s for s in self.services if s.target is not None and s.target.key in held)

    def autonomy_of(self, runbook: str, service: str, *others: str) -> Autonomy:
        """How far a runbook may go alone on a service: what the runbook is allowed there, or else
        anywhere, and never more than the service allows at all. With others, the strictest holds.
        """
        allowed = (self._autonomy_on(runbook, name) for name in (service, *others))
        return min(allowed, key=_CAUTIOUS_FIRST.index)

    def _autonomy_on(self, runbook: str, service: str) -> Autonomy:
        known = self.runbooks.get(runbook, RunbookPolicy())
        allowed = known.services.get(service) or known.autonomy or "observe"
        limit = next((s.autonomy for s in self.services if s.name == service), None)
        return min((allowed, limit or allowed), key=_CAUTIOUS_FIRST.index)

    def groups(self) -> tuple[str, ...]:
        """Every group that it speaks of: its schedules, and the user groups among approvers and
        among those who are paged.
        """
        said = [*self.slack.pages, *(a for s in self.services for a in s.approvers)]
        named = (*(f"{ONCALL}{schedule.name}" for schedule in self.oncall), *said)
        return tuple(dict.fromkeys(name for name in named if is_group(name)))

    def approver_groups(self, *services: str) -> tuple[str, ...]:
        """The groups whose members may approve for one of these services, each once."""
        named = (a for service in services for a in self._approvers_on(service))
        return tuple(dict.fromkeys(filter(is_group, named)))

    def approvers_of(
        self, service: str, *others: str, members: Members | None = None
    ) -> tuple[str, ...]:
        """Who may approve for a service: its own list, else its team's responders, else all
        responders. With others, only who may for each of them: what stands in every list, and the
        people whom different groups have in common, as `members` has them now.
        """
        lists = [self._approvers_on(name) for name in (service, *others)]
        shared = [a for a in lists[0] if all(a in also for also in lists)]
        known = people_of(shared, members or {})
        may = [people_of(approvers, members or {}) for approvers in lists]
        by_groups = (p for p in may[0] if p not in known and all(p in also for also in may))
        return (*shared, *by_groups)

    def _approvers_on(self, service: str) -> tuple[str, ...]:
        found = next((s for s in self.services if s.name == service), None)
        responders = [p for p in self.people if "responder" in p.roles]
        if found and found.approvers:
            return found.approvers
        team = [p.id for p in responders if found and found.team in p.teams]
        return tuple(team or [p.id for p in responders])
