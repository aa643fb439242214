"""Where two pod templates differ: paths only, because the values may be secrets."""

from typing import Any

PATHS_MAX = 8
DEPTH_MAX = 6


def differences(old: Any, new: Any) -> list[str]:
    """Up to `PATHS_MAX` paths, such as `containers[user-auth].image`, then a count of the rest."""
    found = [path.removeprefix("spec.") for path in _paths(old, new, "", DEPTH_MAX)]
    rest = len(found) - PATHS_MAX
    return found[:PATHS_MAX] + ([f"{rest} more"] if rest > 0 else [])


def _paths(old: Any, new: Any, path: str, depth: int) -> list[str]:
    if old == new:
        return []
    pairs = _children(old, new)
    if not pairs or depth == 0:
        return [path or "everything"]
    return [found for key, a, b in pairs for found in _paths(a, b, _join(path, key), depth - 1)]


def _children(old: Any, new: Any) -> list[tuple[str, Any, Any]]:
    """Pairs of parts with the same key; none when the two cannot be compared part by part."""
    a, b = _parts(old), _parts(new)
    if not a or not b:
        return []
    return [(key, a.get(key), b.get(key)) for key in sorted(a.keys() | b.keys())]


def _parts(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    named = isinstance(value, list) and all(isinstance(v, dict) and "name" in v for v in value)
    return {f"[{item['name']}]": item for item in value} if named else {}


def _join(path: str, key: str) -> str:
    return f"{path}{key}" if key.startswith("[") or not path else f"{path}.{key}"
