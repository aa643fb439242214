"""How people read a length of time; one place, so that a page and its chart say the same."""

_MINUTE = 60


def minutes_text(seconds: float) -> str:
    """A duration as people say it: `45 s`, `12 min`, `3 h 05 min`, `200 h`."""
    whole = max(0, int(seconds))
    if whole < _MINUTE:
        return f"{whole} s" if whole else "0 min"
    hours, minutes = divmod(whole // _MINUTE, 60)
    if not hours:
        return f"{minutes} min"
    return f"{hours} h {minutes:02d} min" if minutes else f"{hours} h"
