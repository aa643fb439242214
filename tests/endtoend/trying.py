"""`python -m endtoend.trying RUNBOOK ANSWER TARGET BODY`: one trial on the sandbox, as JSON."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import get_args

from contracts.errors import FirebreakError
from contracts.target import parse_target
from rehearsal import Answer, against_sandbox


def main() -> int:
    """Print the trial, or the error; 0 or 1."""
    runbook, answer, name, body = sys.argv[1:]
    given: Answer = next(known for known in get_args(Answer) if known == answer)
    target = parse_target(name, os.environ["CLUSTER"])
    folders = [Path(os.environ["FOLDER"])]
    try:
        trial = asyncio.run(
            against_sandbox(runbook, target, json.loads(body), given, folders=folders)
        )
    except FirebreakError as err:
        told = {"code": err.code, "message": err.message, "fix": err.fix}
        sys.stdout.write(json.dumps({"error": told}))
        return 1
    sys.stdout.write(trial.model_dump_json())
    return 0


if __name__ == "__main__":
    sys.exit(main())
