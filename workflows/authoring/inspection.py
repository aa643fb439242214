"""Everything that `firebreak runbooks check` has to say of a set of runbooks."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from workflows.authoring.checks.triggers import Item, faults_between
from workflows.authoring.faults import Fault
from workflows.authoring.fingerprints.baseline import compare, read_baseline
from workflows.authoring.folders import Found, Loaded
from workflows.trigger import triggers_of


def inspect(loaded: Loaded, only: Sequence[Path] = ()) -> list[Fault]:
    """The faults of all files, or of those in `only`: what is wrong with each by itself, with two
    of them together, and with a change that runs in flight would not survive. Sorted by place.
    """
    wanted = {path.resolve() for path in only}
    found = [*loaded.faults, *_together(loaded), *_changed(loaded.runbooks)]
    chosen = {fault for fault in found if not wanted or fault.path.resolve() in wanted}
    return sorted(chosen, key=lambda fault: (str(fault.path), fault.line, fault.reason))


def _together(loaded: Loaded) -> list[Fault]:
    return faults_between(
        [Item(found.name, found.path, 0, triggers_of(found.runbook)) for found in loaded.runbooks]
    )


def _changed(runbooks: Sequence[Found]) -> Iterator[Fault]:
    baselines = {path: read_baseline(path) for path in {found.path.parent for found in runbooks}}
    for found in runbooks:
        fault = compare(found.name, found.path, found.commands, baselines[found.path.parent])
        if fault is not None:
            yield fault
