"""Everything that `firebreak runbooks check` has to say of a set of runbooks."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from contracts.errors import InvalidInput
from workflows.authoring.checks.triggers import Item, faults_between
from workflows.authoring.faults import Fault
from workflows.authoring.fingerprints.baseline import Baseline, compare, is_recorded, read_baseline
from workflows.authoring.folders import Found, Loaded
from workflows.trigger import triggers_of


def inspect(loaded: Loaded, only: Sequence[Path] = ()) -> list[Fault]:
    """The faults of all files, or of those in `only`: what is wrong with each by itself, with two
    of them together, and with a change that runs in flight would not survive. Sorted by place.
    """
    wanted = {path.resolve() for path in only}
    found = [*loaded.faults, *_together(loaded, wanted), *_changed(loaded.runbooks)]
    folders = {path.parent for path in wanted}
    chosen = {f for f in found if not wanted or f.path.resolve() in wanted | folders}
    return sorted(chosen, key=lambda fault: (str(fault.path), fault.line, fault.reason))


def unrecorded(loaded: Loaded) -> list[str]:
    """The runbooks whose present commands nobody has accepted: they may still be changed freely,
    and should be accepted when they go to production.
    """
    return [
        found.name
        for found in loaded.runbooks
        if not is_recorded(found.name, found.commands, _baseline(found.path.parent))
    ]


def _baseline(folder: Path) -> Baseline:
    try:
        return read_baseline(folder)
    except InvalidInput:
        # `inspect` tells of it.
        return {}


def _together(loaded: Loaded, wanted: set[Path]) -> list[Fault]:
    """Of two that clash the later has the fault: what ships comes first, what was named last."""
    order = sorted(loaded.runbooks, key=lambda f: (not f.shipped, f.path in wanted, str(f.path)))
    return faults_between(
        [Item(found.name, found.path, 0, triggers_of(found.runbook)) for found in order]
    )


def _changed(runbooks: Sequence[Found]) -> Iterator[Fault]:
    for folder in sorted({found.path.parent for found in runbooks}):
        mine = [found for found in runbooks if found.path.parent == folder]
        try:
            baseline = read_baseline(folder)
        except InvalidInput as err:
            yield Fault(folder, 0, err.message, err.fix)
            continue
        for found in mine:
            fault = compare(found.name, found.path, found.commands, baseline)
            if fault is not None:
                yield fault
