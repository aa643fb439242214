"""PromQLBelow: only what was answered whole and in numbers, for long enough, is below."""

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from prometheus_fakes import (
    START,
    Canned,
    Checked,
    canned_fixture,
    checked_fixture,
    http_fixture,
    ok,
)

from activities.prometheus import Prometheus
from devserver import free_port

__all__ = ["canned_fixture", "checked_fixture", "http_fixture"]
Vector = list[tuple[dict[str, str], str]]


def test_below_needs_every_series_below(canned: Canned, checked: Checked) -> None:
    """The threshold itself is not below."""
    canned.will_say([({"p": "a"}, "0.1"), ({"p": "b"}, "0.5")])
    result = checked.run(0.5)
    assert not result.ok
    assert result.detail.startswith('not below 0.5: {p="b"} 0.5, still so after 60 s')
    assert result.waited_seconds == 60


@pytest.mark.parametrize("series", [[], [({}, "NaN")], [({}, "-Inf")], [({}, "0.1"), ({}, "NaN")]])
def test_silence_and_nan_are_below_nothing(
    canned: Canned, checked: Checked, series: Vector
) -> None:
    """An exporter that died is no cure."""
    canned.will_say(series)
    assert not checked.run(0.5).ok


def test_an_answer_with_a_warning_is_below_nothing(canned: Canned, checked: Checked) -> None:
    """A part of the series may be missing."""
    canned.will_say(ok([({}, "0.1")], warnings=["remote read failed"]))
    result = checked.run(0.5)
    assert not result.ok
    assert "remote read failed" in result.detail


def test_below_at_once_where_no_time_is_asked_for(canned: Canned, checked: Checked) -> None:
    """One question is enough."""
    canned.will_say([({}, "0.1")])
    result = checked.run(0.5)
    assert (result.ok, len(canned.asked), checked.naps) == (True, 1, [])


def test_below_must_last_and_a_peak_starts_it_again(canned: Canned, checked: Checked) -> None:
    """One good sample between two bad ones proves nothing."""
    good: Vector = [({}, "0.1")]
    bad: Vector = [({}, "0.9")]
    canned.will_say(good, good, bad, good)
    result = checked.run(0.5, steady_seconds=20)
    assert result.ok
    assert result.waited_seconds == 50


def test_an_outage_is_not_below_and_starts_it_again(canned: Canned, checked: Checked) -> None:
    """What was not seen was not low."""
    good = ok([({}, "0.1")])
    canned.answers = [(200, good), (503, b""), (200, good)]
    result = checked.run(0.5, steady_seconds=20)
    assert result.ok
    assert result.waited_seconds == 40


def test_a_server_that_stays_away_is_never_below(http: httpx.Client) -> None:
    """And it is no error: the time is up."""
    checked = Checked(Prometheus({"lab": f"http://127.0.0.1:{free_port()}"}, http))
    result = checked.run()
    assert not result.ok
    assert "no answer (ConnectError)" in result.detail


def test_a_cluster_without_prometheus_is_not_waited_for(http: httpx.Client) -> None:
    """Time does not install one."""
    result = Checked(Prometheus({}, http)).run()
    assert (result.ok, result.waited_seconds) == (False, 0)
    assert "cluster 'lab' has no Prometheus" in result.detail


def test_the_time_below_survives_the_worker(canned: Canned, http: httpx.Client) -> None:
    """It travels in the heartbeat."""
    canned.will_say([({}, "0.1")])
    first = Checked(Prometheus({"lab": canned.url}, http))
    first.run(0.5, steady_seconds=600, within_seconds=20)
    second = Checked(Prometheus({"lab": canned.url}, http))
    second.now = START + timedelta(seconds=30)
    details = first.heartbeats[-1]
    second.environment.info = replace(second.environment.info, heartbeat_details=details)
    assert second.run(0.5, steady_seconds=30).ok
    assert second.naps == []
