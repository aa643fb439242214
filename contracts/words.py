"""Words that every text for people shares, so that a page, a message and the command line agree."""

_MINUTE = 60


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun: `1 pod`, `2 pods`, `0 entries` (where `many` is `entries`)."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def minutes_text(seconds: float) -> str:
    """A duration as people say it: `45 s`, `12 min`, `3 h 05 min`, `200 h`."""
    whole = max(0, int(seconds))
    if whole < _MINUTE:
        return f"{whole} s" if whole else "0 min"
    hours, minutes = divmod(whole // _MINUTE, 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes:02d} min" if minutes else f"{hours} h"


def listed(words: list[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`; the empty string for none."""
    return f" {last} ".join(filter(None, (", ".join(words[:-1]), "".join(words[-1:]))))
