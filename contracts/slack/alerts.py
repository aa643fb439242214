"""The alerts of an incident as rows: those that say the same are one row that names their pods."""

from collections.abc import Sequence

from contracts.slack import limits
from contracts.slack.parts import Part, bold, fact, own, said, when
from contracts.slack.telling import CLOCK
from contracts.views import AlertView
from contracts.words import counted, listed

PODS_MAX = 3
# What tells two alerts of one rule apart, the most telling first.
_APART = ("pod", "instance")

Fold = list[AlertView]


def alert_rows(alerts: Sequence[AlertView], rows_max: int, known: str = "") -> list[list[Part]]:
    """`3 KubePodCrashLooping firing since 8:12: Pod is crash looping. (a, b and c)`, firing ones
    before the others, and how many more there are. Words that are `known` already are left out.
    """
    folds = _folded(alerts)
    rows = [_alert_row(fold, known) for fold in folds[:rows_max]]
    return [*rows, *_rest(folds[rows_max:])]


def reason_rows(alerts: Sequence[AlertView], rows_max: int) -> list[list[Part]]:
    """What is broken, in the words of the alerts, and since when: `user-auth restarts every 40 s
    (KubePodCrashLooping since 8:12)`.
    """
    folds = _folded(alerts)
    rows = [_reason_row(fold) for fold in folds[:rows_max]]
    return [*(fact("Why", *row) for row in rows[:1]), *rows[1:], *_rest(folds[rows_max:])]


def _folded(alerts: Sequence[AlertView]) -> list[Fold]:
    """Those with the same words together, the oldest first; what fires comes before the rest."""
    folds: dict[tuple[str, str, str], Fold] = {}
    for alert in alerts:
        folds.setdefault((alert.status, alert.name, alert.summary), []).append(alert)
    found = [sorted(fold, key=lambda alert: alert.starts_at) for fold in folds.values()]
    return sorted(found, key=lambda fold: fold[0].status != "firing")


def _rest(folds: Sequence[Fold]) -> list[list[Part]]:
    more = sum(len(fold) for fold in folds)
    return [[own(f"and {counted(more, 'more alert')}")]] if more else []


def _times(fold: Fold) -> list[Part]:
    return [own(f"{len(fold)} ")] if len(fold) > 1 else []


def _pods(fold: Fold) -> str:
    """Which ones, where there are several."""
    found = (next(filter(None, map(alert.labels.get, _APART)), "") for alert in fold)
    names = sorted(set(filter(None, found))) if len(fold) > 1 else []
    more = len(names) - PODS_MAX
    shown = [*names[:PODS_MAX], f"{more} more"] if more > 0 else names
    return listed(shown)


def _alert_row(fold: Fold, known: str) -> list[Part]:
    """Without its words when it is over."""
    oldest = fold[0]
    name = [*_times(fold), bold(oldest.name, limits.NAME_CHARS_MAX)]
    if oldest.status != "firing":
        ends = [alert.ends_at for alert in fold if alert.ends_at]
        at = [own(" at "), when(max(ends), CLOCK)] if ends else []
        return [*name, own(" "), said(oldest.status), *at]
    told = [*name, own(" firing since "), when(oldest.starts_at, CLOCK)]
    if oldest.summary not in ("", known):
        told += [own(": "), said(oldest.summary, limits.SUMMARY_CHARS_MAX)]
    pods = _pods(fold)
    return [*told, own(" ("), said(pods), own(")")] if pods else told


def _reason_row(fold: Fold) -> list[Part]:
    oldest, pods = fold[0], _pods(fold)
    at = when(oldest.starts_at, CLOCK) if oldest.status == "firing" else said(oldest.status)
    since = own(" since ") if oldest.status == "firing" else own(" ")
    which = [own(": "), said(pods)] if pods else []
    told = [*_times(fold), said(oldest.name, limits.NAME_CHARS_MAX), since, at, *which]
    if not oldest.summary:
        return told
    return [said(oldest.summary, limits.SUMMARY_CHARS_MAX), own(" ("), *told, own(")")]
