"""The commands of a runbook, as its text tells them: what is told, in which order, and as what."""

from pathlib import Path

import pytest

from desk.sources import CRASH_LOOP, commands, runbook
from workflows.authoring.fingerprints.commands import commands_of, helpers_beside, steps_of


def test_the_commands_of_a_shipped_runbook_read_like_its_story() -> None:
    """Verbs with their steps, and the condition on which it gives up."""
    assert steps_of(CRASH_LOOP, "RestartCrashLoop") == (
        "look PodLogs",
        "look Events",
        "look RolloutHistory",
        "look PodStates",
        "approve RolloutRestart",
        "act RolloutRestart",
        "verify RolloutHealthy",
    )
    found = commands_of(CRASH_LOOP, "RestartCrashLoop")
    assert any("<look PodLogs>.facts.get('beyond_restart')" in line for line in found)
    assert found[-1] == "verify RolloutHealthy"


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        ("await self.look(Logs(target=1))", ["look PodLogs"]),
        ("s = Events(target=1)\nawait self.look(s)", ["look Events"]),
        ("await self.look(Events() if case else PodLogs())", ["look Events|PodLogs"]),
        ("await self.look((Events if case else PodLogs)(target=1))", ["look Events|PodLogs"]),
        ("await self.look(Events().model_copy(update={}))", ["look Events"]),
        ("a, b = Events(), PodLogs()\nawait self.look(b)", ["look PodLogs"]),
        ("await self.look(case.step)", ["look case.step"]),
        ("self.s = Events()\nawait self.look(self.s)", ["look Events"]),
        ("await self.verify(check=RolloutHealthy(), within=x)", ["verify RolloutHealthy"]),
        ("await self.look(PodLogs.model_validate({}))", ["look PodLogs"]),
        ("await workflow.sleep(3)\nawait asyncio.sleep(timedelta(1))", ["sleep", "sleep"]),
        ("await self.warn('it stays raised')", ["warn"]),
        ("await workflow.wait_condition(lambda: x)", ["wait_condition"]),
        ("await workflow.wait_condition(lambda: x, timeout=y)", ["wait_condition with timeout"]),
        (
            "await workflow.execute_activity('a.b', 1)\nworkflow.upsert_memo({})",
            ["execute_activity 'a.b'", "upsert_memo"],
        ),
        (
            "h = await workflow.start_child_workflow('other', case)\nawait h.signal('go')",
            ["start_child_workflow 'other'", "signal"],
        ),
        (
            "for s in (Events(target=1), PodLogs(lines=9)):\n    await self.look(s)",
            ["for s in (Events(...), PodLogs(...)):", "  look Events|PodLogs"],
        ),
        (
            "await asyncio.gather(self.look(Events()), self.look(PodLogs()))",
            ["asyncio.gather:", "  look Events", "  look PodLogs"],
        ),
        (
            "await asyncio.gather(*(self.look(s) for s in [Events(), PodLogs()]))",
            [
                "asyncio.gather:",
                "  for s in [Events(...), PodLogs(...)]:",
                "    look Events|PodLogs",
            ],
        ),
        (
            "await asyncio.gather(*map(self.look, steps))",
            ["asyncio.gather:", "  look of each"],
        ),
        (
            "async with asyncio.timeout(9):\n    await self.look(Events())",
            ["with asyncio.timeout:", "  look Events"],
        ),
        (
            "x = case.a and await self.look(Events())",
            ["if case.a:", "  look Events"],
        ),
        (
            "x = case.a or await self.look(Events())",
            ["if not case.a:", "  look Events"],
        ),
        (
            "x = (await self.look(Events())) if case.a else await self.look(PodLogs())",
            ["if case.a:", "  look Events", "else:", "  look PodLogs"],
        ),
        (
            "while not await self.verify(RolloutHealthy()):\n    await workflow.sleep(1)",
            ["while not <verify RolloutHealthy>:", "  verify RolloutHealthy", "  sleep"],
        ),
        (
            "for _ in range(LIMIT):\n    if await self.verify(RolloutHealthy()):\n        break",
            [
                "for _ in range(3):",
                "  verify RolloutHealthy",
                "  if <verify RolloutHealthy>:",
                "    break",
            ],
        ),
        (
            """
            try:
                await self.act(RolloutRestart())
            except (ValueError, TypeError):
                return 1
            finally:
                await self.look(Events())
            await self.look(PodLogs())
            """,
            [
                "try:",
                "  act RolloutRestart",
                "except (ValueError, TypeError):",
                "  return",
                "finally:",
                "  look Events",
                "look PodLogs",
            ],
        ),
        (
            """
            match case.kind:
                case "a":
                    await self.look(Events())
                case "b" if case.x:
                    pass
                case _:
                    raise ValueError
            """,
            [
                "match case.kind:",
                "case 'a':",
                "  look Events",
                "case 'b' if case.x:",
                "case _:",
                "  raise",
            ],
        ),
        (
            """
            if not workflow.patched("mine-v2"):
                await self.look(Events())
            """,
            ["if workflow.patched('mine-v2'):", "else:", "  look Events"],
        ),
    ],
)
def test_each_command_is_read_with_what_it_depends_on(run: str, expected: list[str]) -> None:
    """In the order in which Python would give it."""
    assert commands(run) == expected


@pytest.mark.parametrize(
    "run",
    [
        "x = 1\nfor n in range(3):\n    x += n\n    if n: break",
        "if case.dry_run:\n    return 1\nreturn 2",
        "try:\n    x = int(case.x)\nexcept ValueError:\n    x = 0",
        "if case.a:\n    if case.b:\n        return 1\n    else:\n        return 2",
        "with open(x) as f:\n    pass",
        "workflow.logger.info('x')",
        "def unused():\n    return self.look(Events())",
    ],
)
def test_what_commands_nothing_is_not_told(run: str) -> None:
    """Neither branches in which nothing happens, nor the ways out at the end."""
    assert commands(run) == []


def test_helpers_stand_where_they_are_called() -> None:
    """Methods, functions of the file, functions inside functions, and one that calls another."""
    methods = """
        async def both(self, step):
            await self.look(step)
            await keep(self, PodLogs(target=1))

        async def maybe(self, case):
            if case.young:
                return
            await self.look(RolloutHistory())
    """
    functions = """
        async def keep(book, step):
            await book.look(step)
    """
    run = """
        async def inner():
            await self.act(RolloutRestart())

        await self.both(Events(target=1))
        await self.maybe(case)
        await inner()
    """
    assert commands(run, methods=methods, functions=functions) == [
        "look Events",
        "look PodLogs",
        "call:",
        "  if case.young:",
        "    return",
        "  look RolloutHistory",
        "act RolloutRestart",
    ]


def test_a_helper_that_calls_itself_is_told_once() -> None:
    """Nothing is read for ever."""
    methods = """
        async def again(self, n):
            await self.look(Events())
            if n:
                await self.again(n - 1)
    """
    told = commands("await self.again(3)", methods=methods)
    assert told == ["look Events", "if n:", "  call again"]


def test_helpers_that_call_each_other_many_times_have_a_bound() -> None:
    """Twenty levels of two calls each would be a million lines."""
    methods = "".join(
        f"async def h{n}(self):\n    await self.h{n + 1}()\n    await self.h{n + 1}()\n"
        for n in range(20)
    )
    methods += "async def h20(self):\n    await self.look(Events())\n"
    assert len(commands("await self.h0()", methods=methods)) < 1_000


def test_helper_files_count_too(tmp_path: Path) -> None:
    """They run inside every runbook that imports them; without their text the call is told."""
    path = tmp_path / "mailer.py"
    (tmp_path / "_shared.py").write_text(
        "from contracts.kubernetes import PodLogs as Logs\n\n"
        "async def keep(book, target):\n    await book.look(Logs(target=target))\n"
    )
    (tmp_path / "_broken.py").write_text("def\n")
    path.write_text("from _shared import keep\n" + runbook("await keep(self, case.target)"))
    text = path.read_text()

    assert commands_of(text, "Mine", helpers_beside(path)) == ("look PodLogs",)
    assert commands_of(text, "Mine") == ("call keep",)


def test_doors_and_the_beginning_are_told_below_the_run() -> None:
    """A signal that commands something changes what a replay must give; their order in the file
    does not, nor does a signal that only takes note.
    """
    slow = "@workflow.signal\nasync def slow(self):\n    await workflow.sleep(1)\n"
    also = "@workflow.update(name='x')\nasync def also(self):\n    await self.look(Events())\n"
    note = "@workflow.signal\ndef note(self):\n    self.noted = True\n"
    begin = "@workflow.init\ndef __init__(self, case):\n    workflow.upsert_memo({})\n"
    one = commands("await self.look(PodLogs())", methods=slow + also + note + begin)
    two = commands("await self.look(PodLogs())", methods=begin + also + slow)

    assert one == two
    assert one == [
        "look PodLogs",
        *("begin:", "  upsert_memo"),
        *("signal slow:", "  sleep"),
        *("update also:", "  look Events"),
    ]


def test_a_class_that_is_not_there_is_told() -> None:
    """And a text that does not parse is told by Python."""
    with pytest.raises(LookupError, match="no class Other"):
        commands_of(CRASH_LOOP, "Other")
    with pytest.raises(SyntaxError):
        commands_of("def", "Other")


def test_people_are_shown_what_runs_that_start_now_do() -> None:
    """Of a guarded change, the new way."""
    text = runbook(
        "if workflow.patched('x'):\n    await self.look(Events())\n"
        "else:\n    await self.look(PodLogs())\n"
        "if case.a:\n    await self.act(RolloutRestart())\nawait workflow.sleep(3)"
    )
    assert steps_of(text, "Mine") == ("look Events", "act RolloutRestart")
