"""The class of a runbook as Temporal and Firebreak need it: one class a file, with a name, with a
`run` of its own that is given one case.

Most of this Temporal refuses too, but only when a worker starts, and one fault at a time.
"""

import ast
import re
from collections.abc import Iterator

from workflows.authoring.checks.shapes import (
    DEFN,
    RUN,
    classes,
    decorated,
    is_runbook,
    methods,
    parameters,
    verb_calls,
    workflow_classes,
)
from workflows.authoring.checks.source import Function, Source
from workflows.authoring.faults import Fault

FIREBREAKS_OWN = (
    "Incident",
    "Triage",
    "Weather",
    "Messenger",
    "Housekeeping",
    "RefreshGroups",
)
CASE = ("contracts.Case", "contracts.case.Case")
OUTCOME = ("contracts.Outcome", "contracts.case.Outcome")
CONTINUE = "temporalio.workflow.continue_as_new"
SIGNATURE = "Write `async def run(self, case: Case) -> Outcome:`"
_SNAKE_CASE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def one_workflow(source: Source) -> Iterator[Fault]:
    """A file holds one workflow class; a helper holds none."""
    found = workflow_classes(source)
    if source.is_helper:
        for node in found:
            why = (
                f"`{node.name}` is a workflow in a helper file, which is never loaded as a runbook"
            )
            yield source.fault(node, why, "Give the file a name without the underscore.")
        return
    for node in found[1:]:
        why = f"`{node.name}` is the second workflow of this file; one file holds one runbook"
        yield source.fault(node, why, "Move it to a file of its own.")
    if not found:
        yield _nothing(source)


def _nothing(source: Source) -> Fault:
    unnamed = [node for node in classes(source) if is_runbook(source, node)]
    if unnamed:
        why = f"`{unnamed[-1].name}` has no `@workflow.defn`, so no worker can run it"
        return source.fault(unnamed[-1], why, _name_it(unnamed[-1]))
    why = "there is no runbook in this file: no class has `@workflow.defn`"
    what = "Write a class that inherits from Runbook, or begin the file's name with `_` (a helper)."
    return Fault(source.path, 1, why, what)


def has_defn(source: Source) -> Iterator[Fault]:
    """Whatever an alert starts is a workflow."""
    for node in workflow_classes(source):
        if not decorated(source, node, DEFN):
            why = f"`{node.name}` has `@on_alert` but no `@workflow.defn`, so nothing can start it"
            yield source.fault(node, why, _name_it(node))


def has_a_name(source: Source) -> Iterator[Fault]:
    """The policy, the API and the ledger know a runbook by a name that stands in the file."""
    for node in workflow_classes(source):
        for decorator in decorated(source, node, DEFN):
            fault = _name_fault(source, node, decorator)
            if fault is not None:
                yield fault


def _name_fault(source: Source, node: ast.ClassDef, decorator: ast.expr) -> Fault | None:
    given = decorator.keywords if isinstance(decorator, ast.Call) else []
    values = [keyword.value for keyword in given if keyword.arg == "name"]
    if not values:
        why = f"`{node.name}` has no name of its own, by which policy and people could call it"
        return source.fault(decorator, why, _name_it(node))
    name = values[0].value if isinstance(values[0], ast.Constant) else None
    if not isinstance(name, str):
        why = f"the name of `{node.name}` is computed, so nobody can find it by searching"
        return source.fault(decorator, why, _name_it(node))
    if name in FIREBREAKS_OWN:
        why = f"'{name}' is a workflow of Firebreak itself"
        return source.fault(decorator, why, _name_it(node))
    if not _SNAKE_CASE.fullmatch(name):
        why = f"the name '{name}' is not in snake_case, as the names in firebreak.toml are"
        return source.fault(decorator, why, _name_it(node))
    return None


def _name_it(node: ast.ClassDef) -> str:
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", node.name).lower()
    return f'Write `@workflow.defn(name="{name}")` above the class.'


def runs(source: Source) -> Iterator[Fault]:
    """Each workflow class has one `run` in the class itself, as Temporal wants it."""
    for node in workflow_classes(source):
        found = [item for item in methods(node).values() if decorated(source, item, RUN)]
        if not found:
            yield _no_run(source, node)
        for item in found:
            yield from _run_faults(source, node, item)
        for item in found[1:]:
            why = f"`{item.name}` is the second `@workflow.run` of `{node.name}`"
            yield source.fault(item, why, "Keep one; call the other from it.")


def _no_run(source: Source, node: ast.ClassDef) -> Fault:
    named = methods(node).get("run")
    if named is not None:
        why = f"`run` of `{node.name}` lacks `@workflow.run`, so Temporal does not find it"
        return source.fault(named, why, "Write `@workflow.run` above it.")
    why = (
        f"`{node.name}` has no `@workflow.run` in the class itself; Temporal takes no inherited one"
    )
    return source.fault(node, why, f"{SIGNATURE} in it, with `@workflow.run` above.")


def _run_faults(source: Source, node: ast.ClassDef, run: Function) -> Iterator[Fault]:
    if isinstance(run, ast.FunctionDef):
        why = f"`{run.name}` is not `async`, and Temporal takes only an `async def`"
        yield source.fault(run, why, f"{SIGNATURE}.")
    if not is_given_a_case(source, run, strict=bool(is_runbook(source, node))):
        why = f"`{run.name}` must be given exactly (self, case: Case), which is what a runbook gets"
        yield source.fault(run, why, f"{SIGNATURE}; alerts and parameters are in the case.")
    if run.returns is not None and not _is_one_of(source, run.returns, OUTCOME):
        why = f"`{run.name}` must return an Outcome, which the incident records"
        yield source.fault(run, why, f"{SIGNATURE}.")
    if not any(_ends(source, item) for item in ast.walk(run)):
        why = f"`{run.name}` ends without an Outcome, and the incident could not tell how it went"
        yield source.fault(run, why, 'End it with `return Outcome(status=..., summary="...")`.')


def _ends(source: Source, node: ast.AST) -> bool:
    again = isinstance(node, ast.Call) and source.resolve(node.func) == CONTINUE
    answers = isinstance(node, ast.Return) and node.value is not None
    return again or answers or isinstance(node, ast.Raise)


def is_given_a_case(source: Source, method: Function, *, strict: bool) -> bool:
    """Whether the parameters are (self, case: Case). `strict`: written as the class, not as text,
    because Temporal compares it with what the base class says.
    """
    given, args = parameters(method), method.args
    if len(given) != 2 or args.kwonlyargs or args.vararg or args.kwarg or args.defaults:  # noqa: PLR2004 - self, case
        return False
    says = given[1].annotation
    if isinstance(says, ast.Constant) and not strict:
        return says.value == "Case"
    return says is not None and source.resolve(says) in CASE


def _is_one_of(source: Source, annotation: ast.expr, names: tuple[str, ...]) -> bool:
    if isinstance(annotation, ast.Constant):
        return annotation.value in {name.rpartition(".")[2] for name in names}
    return source.resolve(annotation) in names


def real_annotations(source: Source) -> Iterator[Fault]:
    """Temporal compares the types of `__init__` and `run`, and a text is not equal to a type."""
    runbooks = [node for node in workflow_classes(source) if is_runbook(source, node)]
    for node in source.each(ast.ImportFrom):
        names = {f"{node.module}.{name.name}" for name in node.names}
        if runbooks and "__future__.annotations" in names:
            why = "`annotations` of `__future__` turns types to text, and Temporal refuses `run`"
            yield source.fault(node, why, "Delete the line; quote a type that comes later.")


def verbs_of_a_runbook(source: Source) -> Iterator[Fault]:
    """Only a Runbook has the verbs."""
    foreign = [node for node in workflow_classes(source) if is_runbook(source, node) is False]
    for node in foreign:
        inside = [item for item in verb_calls(source) if node in source.around(item.function)]
        if inside:
            why = f"`{node.name}` calls `self.{inside[0].verb}` but does not inherit from Runbook"
            yield source.fault(node, why, f"Write `class {node.name}(Runbook):`.")
