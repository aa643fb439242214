"""The one base of every shared word, and the digest that binds an approval to a plan.

A contract travels through Temporal's history, the database and HTTP. A change here can break
runs in flight: add fields with defaults, never rename, repurpose or make one mandatory.
"""

import hashlib
import json
from typing import Any

from pydantic import BaseModel, ConfigDict


class Contract(BaseModel):
    """A frozen value. Unknown fields are ignored, so that an older worker reads a newer sender."""

    model_config = ConfigDict(frozen=True, extra="ignore")


def canonical_json(value: Any) -> str:
    """Serialise `value` (JSON types only) so that equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest_of(value: Any) -> str:
    """SHA-256 of the canonical JSON of `value`, as `sha256:` and 64 hexadecimal digits."""
    return "sha256:" + hashlib.sha256(canonical_json(value).encode()).hexdigest()
