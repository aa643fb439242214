"""`firebreak demo`: the seed story, for people or without them. The scenario is `bad_rollout`."""

import sys
from functools import partial
from pathlib import Path

from contracts.errors import InvalidInput
from demoslack import open_slack
from playing import ADMIN_TOKEN, ALERTS_TOKEN, RESPONDER_TOKEN, Choice
from rehearsal import as_it_should, expected_of, policy_of
from sandbox.ground import Grounds, lent
from sandbox.scenario_file import seed
from staging import (
    POLICY_FILE,
    Place,
    Slacks,
    play_once,
    stopped,
    tell,
    to_its_end,
)

__all__ = [
    "ADMIN_TOKEN",
    "ALERTS_TOKEN",
    "POLICY_FILE",
    "RESPONDER_TOKEN",
    "choice_of",
    "grounds_of",
    "run_demo",
    "slack_of",
]


def choice_of(
    *, once: bool, approve: bool, deny: str | None, expire: bool, scenario: bool = False
) -> Choice | None:
    """Read the flags of `firebreak demo`. A scenario that is played without people and without an
    ending is approved.

    Raises:
        InvalidInput: `--once` without exactly one ending, or an ending without `--once`.

    """
    chosen = [
        choice
        for choice, wanted in (
            (Choice("approve"), approve),
            (Choice("deny", deny or ""), deny is not None),
            (Choice("expire"), expire),
        )
        if wanted
    ]
    if once and scenario and not chosen:
        return Choice("approve")
    if len(chosen) != int(once):
        fix = "Write `firebreak demo`, or --once with one of --approve, --deny REASON, --expire."
        raise InvalidInput("--once goes with exactly one ending", fix)
    return chosen[0] if chosen else None


def grounds_of(kubeconfig: Path | None, context: str | None, *, scenario: bool) -> Grounds | None:
    """The cluster that the flags name; None is the sandbox.

    Raises:
        InvalidInput: a context without a kubeconfig, or another scenario than the demo's.

    """
    if kubeconfig is None and context is None:
        return None
    if kubeconfig is None:
        fix = "Name the file with --kubeconfig, too."
        raise InvalidInput("--context says nothing without --kubeconfig", fix)
    if scenario:
        fix = "Leave one of the two out."
        raise InvalidInput("--scenario is played on the sandbox, not on --kubeconfig", fix)
    namespace = seed().workload.namespace
    return lambda _: lent(kubeconfig, context, namespace)


def slack_of(port: int | None, *, wanted: bool) -> Slacks | None:
    """The stand-in for Slack that the flags ask for; None is none.

    Raises:
        InvalidInput: a port for it, but not it.

    """
    if wanted:
        return partial(open_slack, port=port)
    if port is not None:
        raise InvalidInput("--slack-port says nothing without --slack", "Write --slack, too.")
    return None


async def run_demo(choice: Choice | None, place: Place, *, as_json: bool) -> bool:
    """Start everything, play the story, and leave nothing behind; whether it went as it should.

    Without `--state` everything lies in a temporary folder, which is deleted. SIGTERM and Ctrl-C
    end it; for people that is the end that it should have.

    Raises:
        FirebreakError: it could not go on, or was stopped before a story without people ended.

    """
    scenario = seed()
    policy = policy_of(scenario, choice)
    if choice is None:
        greeting = "A bad release of shop/user-auth is under way; alerts follow."
        await to_its_end(tell(scenario, policy, place, greeting, as_json=as_json))
        return True
    ended = await to_its_end(play_once(scenario, policy, place, choice, quiet=as_json))
    if ended is None:
        raise stopped()
    ok = as_it_should(expected_of(scenario, choice), ended)
    story = ended.story.model_copy(update={"ok": ok})
    sys.stdout.write(f"{story.model_dump_json(indent=None if as_json else 2)}\n")
    return ok
