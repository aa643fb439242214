"""Makes untrusted labels and annotations small enough to travel, and says what was shortened.

An alert rides in workflow history, where every byte is kept; a sender may put a megabyte into
one value. What is cut is named, so that nobody takes a part for the whole.
"""

from collections.abc import Iterable, Iterator

LABELS_MAX = 64
NAME_BYTES_MAX = 256
LABEL_BYTES_MAX = 4_096
ANNOTATION_BYTES_MAX = 16_384
TOTAL_BYTES_MAX = 16_384
NOTES_MAX = 20

_ELLIPSIS = "…"
_NOTE_CHARS_MAX = 80
# What names the workload and what people read first is kept longest.
_FIRST = (
    "alertname", "severity", "cluster", "namespace", "deployment", "statefulset", "daemonset",
    "job_name", "pod", "node", "service", "container", "uid", "exported_namespace",
    "exported_pod", "summary", "description", "runbook_url",
)  # fmt: skip
_RANK = {name: rank for rank, name in enumerate(_FIRST)}


class Budget:
    """The bytes an alert may still use, and notes on what did not fit."""

    def __init__(self, total_bytes: int = TOTAL_BYTES_MAX) -> None:
        self.left = total_bytes
        self._notes: list[str] = []
        self._more = 0

    def note(self, text: str) -> None:
        """Remember that something was shortened; the list itself is bounded."""
        if len(self._notes) < NOTES_MAX:
            self._notes.append(text[:_NOTE_CHARS_MAX])
        else:
            self._more += 1

    @property
    def notes(self) -> tuple[str, ...]:
        """What was shortened, and how much more."""
        more = (f"and {self._more} more",) if self._more else ()
        return (*self._notes, *more)

    def labels(self, labels: dict[str, str]) -> dict[str, str]:
        """At most 64 labels, 4 KB a value, within what is left."""
        chosen = _ranked(labels)
        for name in chosen[LABELS_MAX:]:
            self.note(f"labels.{name}: left out, more than {LABELS_MAX} labels")
        return self._fit("labels", labels, chosen[:LABELS_MAX], LABEL_BYTES_MAX)

    def annotations(self, annotations: dict[str, str]) -> dict[str, str]:
        """At most 16 KB a value, within what the labels left."""
        return self._fit("annotations", annotations, _ranked(annotations), ANNOTATION_BYTES_MAX)

    def _fit(
        self, group: str, texts: dict[str, str], names: Iterable[str], value_bytes_max: int
    ) -> dict[str, str]:
        return dict(self._fitting(group, texts, names, value_bytes_max))

    def _fitting(
        self, group: str, texts: dict[str, str], names: Iterable[str], value_bytes_max: int
    ) -> Iterator[tuple[str, str]]:
        for name in names:
            room = min(value_bytes_max, self.left - len(name.encode()))
            if len(name.encode()) > NAME_BYTES_MAX:
                self.note(f"{group}.{name[:30]}…: left out, its name is too long")
            elif room < len(_ELLIPSIS.encode()):
                self.note(f"{group}.{name}: left out, no room")
            else:
                value = cut(texts[name], room)
                if value != texts[name]:
                    self.note(f"{group}.{name}: cut to {room} bytes")
                self.left -= len(name.encode()) + len(value.encode())
                yield name, value


def _ranked(texts: dict[str, str]) -> list[str]:
    return sorted(texts, key=lambda name: _RANK.get(name, len(_RANK)))


def cut(text: str, bytes_max: int) -> str:
    """The text, or as much of it as fits before an ellipsis, never half a character."""
    raw = text.encode()
    if len(raw) <= bytes_max:
        return text
    kept = raw[: bytes_max - len(_ELLIPSIS.encode())].decode("utf-8", "ignore")
    return kept + _ELLIPSIS
