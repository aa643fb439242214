"""The page on permissions has, for each file, a command that grants and one that takes back."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "deploy" / "rbac").glob("*.yaml"))
PAGE = (ROOT / "docs" / "how-to" / "grant-permissions.md").read_text()
COMMANDS = re.findall(r"^\$ (kubectl .*)$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_each_file_can_be_applied_and_taken_back_by_copying(file: Path) -> None:
    """What holds for the whole cluster has no namespace in its command, everything else has one."""
    kind, name = re.findall(r"kind: (\w+Binding)\nmetadata:\n  name: ([\w-]+)", file.read_text())[0]
    everywhere = kind == "ClusterRoleBinding"
    applied = [c for c in COMMANDS if f"-f deploy/rbac/{file.name}" in c.split(" apply ")[-1]]
    revoked = [c for c in COMMANDS if f"delete {kind.lower()} " in c and name in c.split()]
    assert applied, "say how it is applied"
    assert revoked, "say how it is taken back"
    assert {"-n shop" in command for command in (*applied, *revoked)} == {not everywhere}
