"""Everything that can be said of one runbook's file before it runs: each rule, over its text.

A rule is a function from a `Source` to faults, and knows nothing of the others. No rule guesses:
a file with a fault is not served, so what cannot be told from the text is no fault.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from workflows.authoring.checks import (
    rules_answers,
    rules_determinism,
    rules_flow,
    rules_imports,
    rules_init,
    rules_loading,
    rules_shape,
    rules_temporal,
    rules_triggers,
    rules_values,
)
from workflows.authoring.checks.source import Source, parsed
from workflows.authoring.faults import Fault

Rule = Callable[[Source], Iterator[Fault]]

RULES: tuple[Rule, ...] = (
    rules_imports.only_what_is_deterministic,
    rules_determinism.same_at_a_replay,
    rules_determinism.same_modules_at_a_replay,
    rules_determinism.no_threads,
    rules_determinism.no_globals,
    rules_determinism.sets_in_order,
    rules_loading.defines_only,
    rules_loading.nothing_shared_changes,
    rules_determinism.nobody_ends_the_worker,
    rules_shape.one_workflow,
    rules_shape.has_defn,
    rules_shape.has_a_name,
    rules_shape.runs,
    rules_shape.real_annotations,
    rules_shape.verbs_of_a_runbook,
    rules_init.own_init,
    rules_init.nothing_taken_over,
    rules_init.no_run_inside_a_run,
    rules_triggers.alerts_can_start_it,
    rules_answers.awaited,
    rules_answers.verified,
    rules_answers.verification_decides,
    rules_flow.reached,
    rules_flow.bounded,
    rules_flow.can_be_stopped,
    rules_temporal.only_a_name,
    rules_temporal.activities_by_name,
    rules_temporal.every_wait_ends,
    rules_values.fields_that_are_there,
    rules_values.values_that_fit,
    rules_values.verbs_get_their_steps,
)

TOO_DEEP = "the file is nested too deeply to be read"
SPLIT_IT = "Split the expression, or the chain of `elif`, into several; a dict often says it too."


def check_source(path: Path, text: str) -> list[Fault]:
    """All faults of one file, sorted by line. `path` is told, and says whether the file is a
    helper (`_NAME.py`); it is not read. A file that does not parse, or is nested deeper than
    Python reads, has that one fault; nothing is raised.
    """
    try:
        return _checked(parsed(path, text))
    except SyntaxError as err:
        why = f"the file does not parse: {err.msg}"
        return [Fault(path, err.lineno or 0, why, "Mend the line; Python stops reading there.")]
    except (RecursionError, MemoryError):
        return [Fault(path, 0, TOO_DEEP, SPLIT_IT)]
    except ValueError as err:
        return [Fault(path, 0, f"the file does not parse: {err}", "Save it as plain text, UTF-8.")]


def _checked(source: Source) -> list[Fault]:
    found = {fault for rule in RULES for fault in rule(source)}
    return sorted(found, key=lambda fault: (fault.line, fault.reason))
