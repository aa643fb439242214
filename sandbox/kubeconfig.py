"""A kubeconfig for one user of the sandbox, readable by nobody else."""

import json
import os
import tempfile
from pathlib import Path

CONTEXT = "sandbox"


def write_kubeconfig(path: Path, url: str, who: tuple[str, str], context: str) -> Path:
    """Write or replace the file, with mode 0600, never half; `who` is (user, token).

    It is written as JSON, which is YAML too.
    """
    user, token = who
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": context,
        "clusters": [{"name": CONTEXT, "cluster": {"server": url}}],
        "users": [{"name": user, "user": {"token": token}}],
        "contexts": [{"name": context, "context": {"cluster": CONTEXT, "user": user}}],
    }
    # mkstemp gives mode 0600 from the first moment on.
    handle, partial = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(document, file, indent=2)
        file.write("\n")
    Path(partial).replace(path)
    return path
