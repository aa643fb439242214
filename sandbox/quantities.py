"""Quantities such as `500m`, `2` or `256Mi`: read into exact numbers and written back."""

from fractions import Fraction

from sandbox.objects import Object, items_at, mapping_at

_SUFFIXES = {
    "n": Fraction(1, 10**9),
    "u": Fraction(1, 10**6),
    "m": Fraction(1, 1000),
    "": Fraction(1),
    "k": Fraction(10**3),
    "M": Fraction(10**6),
    "G": Fraction(10**9),
    "T": Fraction(10**12),
    "Ki": Fraction(2**10),
    "Mi": Fraction(2**20),
    "Gi": Fraction(2**30),
    "Ti": Fraction(2**40),
}


def quantity(text: object) -> Fraction:
    """The number that the text stands for; raises ValueError when it stands for none."""
    shown = str(text).strip()
    digits = shown.rstrip("numkMGTKi")
    suffix = shown.removeprefix(digits)
    if suffix not in _SUFFIXES:
        raise ValueError(f"{shown!r} is no quantity; write e.g. 500m, 2 or 256Mi")
    return Fraction(digits) * _SUFFIXES[suffix]


def shown_quantity(name: str, value: Fraction) -> str:
    """The canonical text: thousandths for what is no whole number, binary units for memory."""
    if value.denominator != 1:
        return f"{int(value * 1000)}m"
    whole = int(value)
    if "memory" in name or "storage" in name:
        for suffix in ("Ti", "Gi", "Mi", "Ki"):
            unit = int(_SUFFIXES[suffix])
            if whole and whole % unit == 0:
                return f"{whole // unit}{suffix}"
    return str(whole)


def pod_total(pod: Object, part: str, name: str) -> Fraction:
    """What all containers of a pod ask for; `part` is `requests` or `limits`.

    A request that is missing is the limit, where there is one.
    """
    total = Fraction(0)
    for container in items_at(pod, "spec", "containers"):
        total += quantity(asked(container, part, name) or 0)
    return total


def asked(container: Object, part: str, name: str) -> object:
    """The text of one container's request or limit, or None."""
    found = mapping_at(container, "resources", part).get(name)
    if found is None and part == "requests":
        found = mapping_at(container, "resources", "limits").get(name)
    return found
