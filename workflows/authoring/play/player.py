"""Plays a runbook to its outcome, without a server, a cluster or a network.

The class runs in the SDK's real sandbox (`engine`); the world answers as a script says; time is
virtual and jumps to the next timer whenever nothing else is left to do. Afterwards the same run
is lived through again, because a run that outlives its worker is replayed.
"""

from contracts.case import Case
from workflows.authoring.play.engine import name_of, signals_of
from workflows.authoring.play.lane import Lane
from workflows.authoring.play.stage import Stage
from workflows.authoring.play.transcript import Play
from workflows.authoring.play.troubles import BadScript, PlayTrouble, near
from workflows.authoring.play.world import Script, World

PLAIN = Script()


def play(runbook: type, case: Case, script: Script = PLAIN) -> Play:
    """Play the class for a case. The case's runbook becomes this one, and messages are off.

    Raises:
        PlayTrouble: a script that cannot be, a bug, code that would not survive a replay, a run
            that never ends, or something that only a server can do; it carries the transcript up
            to there.

    """
    require_signals(runbook, script)
    world, lane = World(script), Lane()
    stage = Stage(world, lane, script)
    try:
        outcome = stage.play(runbook, case_for(runbook, case))
        stage.replay()
        return world.ended(outcome)
    except PlayTrouble as trouble:
        trouble.transcript = world.transcript.lines
        raise
    finally:
        stage.close()
        lane.close()


def case_for(runbook: type, case: Case) -> Case:
    """The case as this runbook would get it, with nobody listening for messages."""
    return case.model_copy(update={"runbook": name_of(runbook), "messenger": False})


def require_signals(runbook: type, script: Script) -> None:
    """Refuse signals that the runbook has no handler for: Temporal would keep them in silence.

    Raises:
        BadScript: names the signals that it has.

    """
    known = signals_of(runbook)
    for name, *_ in script.spoken():
        if known is not None and name not in known:
            has = near(name, known) or f"; it has {', '.join(sorted(known))}"
            raise BadScript(f"{runbook.__name__} has no signal '{name}'{has}", "Name one of them.")
