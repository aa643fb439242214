"""JSON as it travels: how large a value is once it is written down."""

import json
from typing import Any


def written(value: Any) -> str:
    """Compact JSON, with every character as itself."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def size_of(value: Any) -> int:
    """Bytes of UTF-8 that the value takes as JSON."""
    return len(written(value).encode())
