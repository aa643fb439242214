"""How a rule says what it found: a ruling, the figures, and what a person may do about it."""

from datetime import timedelta

from contracts.plan import Reason


def deny(rule: str, text: str, fix: str) -> Reason:
    """It must not be written."""
    return Reason(rule=rule, ruling="deny", text=text, fix=fix)


def ask(rule: str, text: str, fix: str) -> Reason:
    """A person must agree first."""
    return Reason(rule=rule, ruling="ask", text=text, fix=fix)


def allow(rule: str, text: str) -> Reason:
    """It may be written as far as this rule can say."""
    return Reason(rule=rule, ruling="allow", text=text)


def percent(share: float) -> str:
    """`0.5` as `50 %`, rounded to whole ones."""
    return f"{share * 100:.0f} %"


def minutes(seconds: int) -> str:
    """`300` as `5 min`; seconds where it is less or not whole."""
    whole, rest = divmod(timedelta(seconds=seconds), timedelta(minutes=1))
    return f"{whole} min" if whole and not rest else f"{seconds} s"
