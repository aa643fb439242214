"""The permissions of deploy/rbac on a real cluster, as a team grants them: never more.

The files are applied once by kubectl, as the how-to says. After that a namespace needs its bindings
alone, which are created from the same files.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import yaml
from rest import Json, Rest

RBAC = Path(__file__).resolve().parent.parent / "deploy" / "rbac"


class Permissions:
    """Grants on one cluster, to the accounts `firebreak/reader` and `firebreak/actor`."""

    def __init__(self) -> None:
        self._granted = False

    def grant(self, rest: Rest, kubectl: Callable[..., None]) -> None:
        """Bind both accounts in the namespace of `rest`."""
        if self._granted:
            for binding in bindings():
                rest.create(binding)
            return
        kubectl("apply", "--filename", str(RBAC / "once"))
        kubectl("apply", "--filename", str(RBAC), "--namespace", rest.namespace)
        self._granted = True


def bindings() -> Iterator[Json]:
    """What a namespace has of its own in the files."""
    for path in sorted(RBAC.glob("*.yaml")):
        documents = yaml.safe_load_all(path.read_text())
        yield from (it for it in documents if it["kind"] in {"Role", "RoleBinding"})
