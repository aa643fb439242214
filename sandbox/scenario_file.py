"""A scenario: one small TOML file that says what breaks, who notices, and how it must end.

It is read strictly, because a key that is not understood would be a rehearsal of something else.
Nothing here touches a cluster; `sandbox.scenario` plays it.
"""

import difflib
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from contracts.case import OutcomeStatus
from contracts.errors import InvalidInput
from contracts.policy import Autonomy
from sandbox.scripts import FAULTS

SHIPPED = Path(__file__).parent / "scenarios"
SEED = "bad_rollout"
FOLDER = "scenarios"
# kube-prometheus fires it while the condition Progressing is False.
ROLLOUT_STUCK = "KubeDeploymentRolloutStuck"
STUCK_SECONDS_MAX = 20
_LABEL = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"


def _known_fault(fault: str) -> str:
    if fault in FAULTS:
        return fault
    near = difflib.get_close_matches(fault, FAULTS, n=1)
    hint = f"write {near[0]}" if near else f"known: {', '.join(FAULTS)}"
    raise ValueError(f"the sandbox has no fault '{fault}' ({hint})")


Fault = Annotated[str, AfterValidator(_known_fault)]


class Part(BaseModel):
    """What the file holds, and nothing else."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Workload(Part):
    """The Deployment. `env` are literal environment variables of its container."""

    namespace: str = Field(default="shop", pattern=_LABEL)
    name: str = Field(default="user-auth", pattern=_LABEL)
    replicas: int = Field(default=3, ge=1, le=20)
    progress_deadline_seconds: int | None = Field(default=None, ge=1)
    env: dict[str, str] = Field(default_factory=dict)


class Release(Part):
    """One revision. Without a fault its pods run and are ready."""

    image: str = Field(min_length=1)

    @property
    def change_cause(self) -> str:
        """What a pipeline would write down: `release 1.4.2`."""
        return f"release {self.image.rpartition(':')[2]}"


class BadRelease(Release):
    """The revision that people blame. `log` is what its process prints; a fault has its own."""

    fault: Fault | None = None
    log: str = ""


class Autoscaler(Part):
    """A HorizontalPodAutoscaler over the workload, with the workload's name."""

    min: int = Field(default=1, ge=1, le=20)
    max: int = Field(ge=1, le=20)


class FailedJob(Part):
    """A CronJob, and the Job of its last run, which has failed. The fault is that run's alone."""

    name: str = Field(default="nightly-report", pattern=_LABEL)
    image: str = Field(default="registry.example/report:1", min_length=1)
    fault: Fault = "crash-loop"


class SickPod(Part):
    """One pod of the healthy workload gets a fault of its own; its replacement has none."""

    fault: Fault = "never-ready"


class SickNode(Part):
    """The node of one of the workload's pods, which fails under it."""

    fault: Literal["not-ready", "unreachable"] = "not-ready"


class AlertRule(Part):
    """One alert for the service, for the deployment, for each sick pod (each pod, when none is
    sick), or for the autoscaler, the failed Job or the sick node. Texts may hold
    `{{ $labels.NAME }}`, as in Prometheus' rules.
    """

    name: str = Field(min_length=1)
    per: Literal["service", "deployment", "pod", "autoscaler", "job", "node"] = "service"
    severity: str = "warning"
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)


class Bits(Part):
    """What the rehearsal's policy says besides the demo's: the autonomy of runbooks by name, and
    whether nodes may be written to.
    """

    autonomy: dict[str, Autonomy] = Field(default_factory=dict)
    nodes: bool = False


class Expect(Part):
    """How it must end when a person who is asked approves. With no runbook there is no outcome:
    the incident waits for people. `receipts` are the writes that the books hold: as many as the
    effective ones, unless one action writes more than once, as a drain does.
    """

    runbook: str | None = None
    outcome: OutcomeStatus | None = None
    effective_writes: int = Field(ge=0)
    receipts: int | None = Field(default=None, ge=0)
    healthy: bool

    @model_validator(mode="after")
    def _runbooks_have_outcomes(self) -> "Expect":
        if (self.runbook is None) != (self.outcome is None):
            raise ValueError("runbook and outcome go together; leave out both or none")
        return self


class Plot(Part):
    """What happens on the cluster. `good` alone is a healthy workload, `bad` alone one that was
    never well; with both, `bad` is released after `good` was healthy. The rest happens to a
    healthy workload, or beside it.
    """

    workload: Workload = Workload()
    good: Release | None = None
    bad: BadRelease | None = None
    autoscaler: Autoscaler | None = None
    job: FailedJob | None = None
    pod: SickPod | None = None
    node: SickNode | None = None

    @property
    def is_sick(self) -> bool:
        """Whether something is ill that nobody else cures."""
        return bool(self.fault or self.job or self.pod or self.node)

    @property
    def fault(self) -> str | None:
        """What the pods suffer from in the end."""
        return self.bad.fault if self.bad else None

    @property
    def waits_until_stuck(self) -> bool:
        """Whether its rollout must have passed its progress deadline."""
        return False

    @model_validator(mode="after")
    def _has_a_release(self) -> "Plot":
        if self.good is None and self.bad is None:
            raise ValueError("write [good], [bad] or both: there is nothing to run")
        if self.fault and (self.job or self.pod or self.node):
            raise ValueError("[job], [pod] and [node] happen to a workload whose releases are well")
        return self


class Scenario(Plot):
    """The whole file: what happens, for people and on the cluster, and how it must end."""

    title: str = Field(min_length=1)
    story: str = Field(min_length=1)
    alerts: tuple[AlertRule, ...] = Field(min_length=1)
    policy: Bits = Bits()
    expect: Expect

    @property
    def waits_until_stuck(self) -> bool:
        """Whether an alert is fired that only a stuck rollout fires."""
        return any(alert.name == ROLLOUT_STUCK for alert in self.alerts)

    @model_validator(mode="after")
    def _alerts_are_about_something(self) -> "Scenario":
        for alert in self.alerts:
            if alert.per in ("autoscaler", "job", "node") and getattr(self, alert.per) is None:
                raise ValueError(f"{alert.name} is about the {alert.per}; write [{alert.per}]")
        return self

    @model_validator(mode="after")
    def _can_get_stuck(self) -> "Scenario":
        deadline = self.workload.progress_deadline_seconds or STUCK_SECONDS_MAX + 1
        if self.waits_until_stuck and (not self.fault or deadline > STUCK_SECONDS_MAX):
            raise ValueError(
                f"{ROLLOUT_STUCK} needs a fault under [bad], and progress_deadline_seconds of "
                f"{STUCK_SECONDS_MAX} at most under [workload]"
            )
        return self


def failed_job_of(plot: Plot) -> str:
    """The name of the Job that has failed, or the empty string."""
    return f"{plot.job.name}-1" if plot.job else ""


def read_scenario(path: Path) -> Scenario:
    """Read one file.

    Raises:
        InvalidInput: it is missing, is not TOML, or has a key or a value that means nothing; the
            text names the file and each key.

    """
    fix = f"Correct {path.name}; the scenarios that ship, in {SHIPPED.parent.name}/{FOLDER}, show "
    try:
        return Scenario.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as err:
        raise InvalidInput(f"{path}: cannot be read ({err.strerror})", "Name a file.") from None
    except ValidationError as err:
        faults = "; ".join(_faults(err))
        raise InvalidInput(f"{path}: {faults}", f"{fix}every key.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
        raise InvalidInput(f"{path}: not TOML: {err}", f"Correct {path} there.") from None


def seed() -> Scenario:
    """The story that `firebreak demo` tells."""
    return read_scenario(SHIPPED / f"{SEED}.toml")


def find_scenario(name: str, folders: Sequence[Path] = ()) -> Path:
    """The file of a scenario: a path that ends in `.toml`, or a name, looked for among those that
    ship and in the folder `scenarios` of each of a team's folders.

    Raises:
        InvalidInput: there is none, with those that there are; or two files have the name.

    """
    if name.endswith(".toml"):
        return Path(name)
    found = [path for path in _files(folders) if path.stem == name]
    if len(found) > 1:
        places = " and ".join(map(str, found))
        raise InvalidInput(f"the scenario '{name}' stands in {places}", "Rename one of them.")
    if not found:
        lines = "".join(f"\n  {known}: {title}" for known, title in list_scenarios(folders))
        fix = f"Give the path of a .toml file, or one of these names:{lines}"
        raise InvalidInput(f"there is no scenario '{name}'", fix)
    return found[0]


def list_scenarios(folders: Sequence[Path] = ()) -> list[tuple[str, str]]:
    """(name, title) of every scenario, those that ship first; a broken one has its fault for a
    title.
    """
    return [(path.stem, _title(path)) for path in _files(folders)]


def _files(folders: Sequence[Path]) -> list[Path]:
    places = [SHIPPED, *(folder / FOLDER for folder in folders)]
    return [path for place in places for path in sorted(place.glob("*.toml"))]


def _title(path: Path) -> str:
    try:
        return read_scenario(path).title
    except InvalidInput as err:
        return err.message


def _faults(err: ValidationError) -> Iterator[str]:
    for fault in err.errors(include_input=False, include_url=False, include_context=False):
        key = ".".join(map(str, fault["loc"]))
        text = fault["msg"].removeprefix("Value error, ")
        if fault["type"] == "extra_forbidden":
            text = f"there is no such key ({_near(*fault['loc'])})"
        yield f"{key}: {text}".removeprefix(": ")


def _near(*at: int | str) -> str:
    """What may have been meant by the last key of this place."""
    model: type[BaseModel] = Scenario
    for step in at[:-1]:
        if isinstance(step, str):
            model = next(_models(model.model_fields[step].annotation))
    near = difflib.get_close_matches(str(at[-1]), model.model_fields, n=1)
    return f"write {near[0]}" if near else f"known: {', '.join(model.model_fields)}"


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models inside `tuple[Model, ...]`, `Model | None`, `Model`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
