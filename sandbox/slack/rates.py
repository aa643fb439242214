"""Slack's limits on calls: so many a minute for each method, and one message a second in a channel.

A bucket for each is full at the start and refills steadily. Real buckets are smaller than the
stand-in's: `burst` multiplies them, so that a test of something else does not run dry.
"""

import math
from dataclasses import dataclass, field

from sandbox.slack.methods import PER_MINUTE, POSTING

POSTS_BURST = 10


@dataclass
class _Bucket:
    size: float
    per_second: float
    left: float
    at: float

    def take(self, now: float) -> float:
        """Seconds to wait; 0 when one was taken."""
        self.left = min(self.size, self.left + max(0.0, now - self.at) * self.per_second)
        self.at = now
        if self.left >= 1:
            self.left -= 1
            return 0
        return (1 - self.left) / self.per_second


@dataclass
class Rates:
    """`on` False lets every call pass."""

    on: bool = True
    burst: float = 5
    _buckets: dict[tuple[str, str], _Bucket] = field(default_factory=dict)

    def wait_seconds(self, method: str, tier: int, channel: str, now: float) -> int:
        """0 when the call may pass, else what Retry-After says. `now` in seconds since 1970."""
        if not self.on:
            return 0
        key = (method, channel if tier == POSTING else "")
        if key not in self._buckets:
            size = self.burst * (POSTS_BURST if tier == POSTING else PER_MINUTE[tier])
            per_second = 1.0 if tier == POSTING else PER_MINUTE[tier] / 60
            self._buckets[key] = _Bucket(size, per_second, size, now)
        return math.ceil(self._buckets[key].take(now))

    def refill(self) -> None:
        """Forget what was used, for instance after `burst` was changed."""
        self._buckets.clear()
