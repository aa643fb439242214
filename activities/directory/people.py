"""The people of the policy, found by what other systems call them.

What two people share finds neither: a guess would let the wrong one approve.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable

from contracts.policy import Person

# What stands between two entries of a summary: `Primary: ana / ben`, `[L1] ana`, `rota - ana`.
_BETWEEN = re.compile(r"[,;:/|&()\[\]]|\s[-–—]\s")  # noqa: RUF001  people write dashes


class Roster:
    """Finds ids; upper and lower case are the same, because mail and names are written freely."""

    def __init__(self, people: Iterable[Person]) -> None:
        people = tuple(people)
        self._by_email = _unique(people, lambda p: p.email)
        self._by_slack = _unique(people, lambda p: p.slack)
        self._by_pagerduty = _unique(people, lambda p: p.pagerduty)
        names, ids = _unique(people, lambda p: p.name), _unique(people, lambda p: p.id)
        self._by_name = names
        # What is one person's id and another's name is neither's.
        short = names | ids
        self._by_entry = {w: p for w, p in short.items() if names.get(w, p) == ids.get(w, p)}
        self.ids = frozenset(p.id for p in people)

    def by_email(self, address: str) -> str | None:
        """The person with that address; `mailto:` may stand before it."""
        return self._by_email.get(address.strip().casefold().removeprefix("mailto:"))

    def by_slack(self, user: str) -> str | None:
        """The person with that user id of Slack."""
        return self._by_slack.get(user.casefold())

    def by_pagerduty(self, user: str) -> str | None:
        """The person with that user id of PagerDuty."""
        return self._by_pagerduty.get(user.casefold())

    def named_in(self, text: str) -> frozenset[str]:
        """Those whose address or whole name stands in the text, or whose id or single name is an
        entry of it: `ana` is on call in `primary: ana`, and not in `Ana Stranger`.
        """
        told = text.casefold()
        entries = [" ".join(entry.split()) for entry in _BETWEEN.split(told)]
        line = " ".join(told.split())
        long = {w: p for w, p in (self._by_name | self._by_email).items() if " " in w or "@" in w}
        found = {person for word, person in long.items() if _stands_in(line, word)}
        return frozenset(found | {self._by_entry[e] for e in entries if e in self._by_entry})


def _unique(people: Iterable[Person], key: Callable[[Person], str]) -> dict[str, str]:
    owners: dict[str, set[str]] = defaultdict(set)
    for person in people:
        word = " ".join(key(person).casefold().split())
        if word:
            owners[word].add(person.id)
    return {word: next(iter(ids)) for word, ids in owners.items() if len(ids) == 1}


def _stands_in(text: str, word: str) -> bool:
    # A full stop may end a sentence after it, but not go on with an address.
    after = r"(?![\w@+-]|\.\w)"
    return re.search(rf"(?<![\w.@+-]){re.escape(word)}{after}", text) is not None
