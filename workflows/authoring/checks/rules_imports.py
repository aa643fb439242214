"""What a runbook may import: the shared words, the verbs, Temporal, its own helpers, and those
parts of the standard library that answer the same today and at a replay in a month.
"""

import ast
import sys
from collections.abc import Iterator
from typing import NamedTuple

import workflows
from workflows.authoring.checks.shapes import is_helper_module
from workflows.authoring.checks.source import Source
from workflows.authoring.faults import Fault

STANDARD = frozenset(
    {
        *("__future__", "abc", "asyncio", "base64", "binascii", "bisect", "calendar", "cmath"),
        *("collections", "contextlib", "copy", "dataclasses", "datetime", "decimal", "difflib"),
        *("enum", "fractions", "functools", "graphlib", "hashlib", "heapq", "html", "ipaddress"),
        *("itertools", "json", "math", "numbers", "operator", "re", "shlex", "statistics"),
        *("string", "struct", "textwrap", "types", "typing", "unicodedata", "zlib", "zoneinfo"),
    }
)
# A type that others fill: it reads no clock and rolls no dice itself.
TYPES_ONLY = frozenset({"uuid.UUID"})
TEMPORAL = frozenset({"workflow", "common", "exceptions"})
OURS = frozenset(
    {
        *("activities", "guardrails", "toil", "gateway", "sandbox", "settings", "worker", "cli"),
        *("stack", "devserver", "demo", "doctor", "terminal", "authoring", "rehearsal"),
        *("tryout", "backtest", "playing", "parts", "demoslack", "staging", "timekeeping"),
    }
)


class Ban(NamedTuple):
    """Why some modules are not for a workflow, and what is."""

    because: str
    remedy: str


OUTSIDE = Ban(
    "it reaches outside, and a replay would do so again",
    "Ask for a step of `contracts` (`self.look(PodLogs(...))`); an activity does it outside the"
    " workflow, and the answer is recorded.",
)
RANDOM = Ban(
    "a replay would get other values",
    "Use `workflow.random()` or `workflow.uuid4()`, which answer the same at a replay.",
)
CLOCK = Ban(
    "a replay would read another time",
    "Use `workflow.now()` to know the time, and `await workflow.sleep(...)` to wait.",
)
TOGETHER = Ban(
    "a replay would run in another order",
    "Use `asyncio.gather(...)`, which Temporal runs in the same order at a replay.",
)
LOGGER = Ban(
    "a replay would log everything again",
    "Use `workflow.logger`, which is silent during a replay.",
)
EFFECTS = Ban(
    "it is the side that has effects",
    "Name the step from `contracts`; the worker finds the activity that does it.",
)
SIBLING = Ban(
    "one file holds one runbook",
    "Move what both need to a helper beside them: an `async def` in a file `_NAME.py` that is given"
    " the runbook.",
)
UNTRIED = Ban(
    "nobody has made sure that it answers the same at a replay",
    "Import from `contracts`, `workflows`, `temporalio` and the standard library's deterministic"
    " part only. What reads or writes is a step; code of your own goes to a helper `_NAME.py`.",
)
OUTWARD = (
    *("kubernetes", "httpx", "requests", "aiohttp", "urllib3", "slack_sdk", "boto3", "psycopg"),
    *("sqlalchemy", "sqlmodel", "redis", "os", "io", "pathlib", "subprocess", "socket", "ssl"),
    *("shutil", "tempfile", "glob", "sys", "platform", "signal", "http", "urllib", "select"),
    *("selectors", "sqlite3", "smtplib", "ftplib", "imaplib", "poplib", "xmlrpc", "fileinput"),
)
BANS = {
    **dict.fromkeys(OUTWARD, OUTSIDE),
    **dict.fromkeys(OURS, EFFECTS),
    **dict.fromkeys(("random", "secrets", "uuid"), RANDOM),
    **dict.fromkeys(("time", "sched"), CLOCK),
    **dict.fromkeys(("threading", "_thread", "multiprocessing", "concurrent", "queue"), TOGETHER),
    **dict.fromkeys(("logging", "syslog", "structlog", "loguru"), LOGGER),
    "runbooks": SIBLING,
}
EXPORTED = frozenset(
    name
    for name, item in vars(workflows).items()
    if getattr(item, "__doc__", None) and callable(item)
)


def only_what_is_deterministic(source: Source) -> Iterator[Fault]:
    """Every import of something else, with what to use instead."""
    for node in source.nodes:
        if not isinstance(node, (ast.Import, ast.ImportFrom)) or node in source.for_types:
            continue
        if isinstance(node, ast.ImportFrom) and node.level:
            yield source.fault(node, _relative_reason(node), _relative_remedy(node))
        else:
            wrong = [name for name in _imported(node) if not is_allowed(name)]
            yield from (
                source.fault(node, *_told(name)) for name in dict.fromkeys(map(_module, wrong))
            )


def is_allowed(name: str) -> bool:
    """Whether a runbook may import the dotted `name`."""
    top, _, rest = name.partition(".")
    if name in TYPES_ONLY:
        return True
    if top in sys.stdlib_module_names:
        return top in STANDARD or name == "urllib.parse" or name.startswith("urllib.parse.")
    if top == "temporalio":
        return not rest or rest.partition(".")[0] in TEMPORAL
    if top == "workflows":
        return not rest or rest in EXPORTED
    return top == "contracts" or is_helper_module(name)


def _imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    """`from temporalio import activity` means `temporalio.activity`."""
    if isinstance(node, ast.Import):
        return [name.name for name in node.names]
    return [
        f"{node.module}.{name.name}" if name.name != "*" else str(node.module)
        for name in node.names
    ]


def _module(name: str) -> str:
    """The part of a dotted name that a fault names."""
    top, _, rest = name.partition(".")
    inner = top in ("temporalio", "workflows", "runbooks") and rest
    return f"{top}.{rest.partition('.')[0]}" if inner else top


def _told(name: str) -> tuple[str, str]:
    top = name.partition(".")[0]
    if top == "temporalio":
        return f"`{name}` is for workers, clients and activities, not for a workflow", (
            "Of Temporal, import `workflow`, `common` and `exceptions` only."
        )
    if top == "workflows":
        names = ", ".join(sorted(EXPORTED, key=str.lower))
        return f"`{name}` is an inner part of Firebreak, and may change with every release", (
            f"Write `from workflows import ...`, which has {names}."
        )
    ban = BANS.get(top, UNTRIED)
    return f"`{name}` is imported, which a workflow may not use: {ban.because}", ban.remedy


def _relative_reason(node: ast.ImportFrom) -> str:
    return (
        f"`{'.' * node.level}{node.module or ''}` is a relative import, and a folder is no package"
    )


def _relative_remedy(node: ast.ImportFrom) -> str:
    module = node.module or "_NAME"
    return f"Write `from {module} import ...` (in the folder that ships, `from runbooks.{module}`)."
