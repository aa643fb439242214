"""One alert of Alertmanager becomes ours, or says why it cannot."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from gateway_fakes import NOW, POLICY, TARGET, alert, raw

from contracts.alert import Alert
from contracts.policy import Source
from gateway.alertmanager import Reader, read_alert, read_message
from gateway.shorten import TOTAL_BYTES_MAX

SOURCE = Source(name="alerts", kind="alertmanager")
READER = Reader(SOURCE, POLICY, NOW)
TWO_CLUSTERS = POLICY.model_copy(update={"clusters": ("east", "west")})


def read(**changed: Any) -> Alert:
    """Read one alert."""
    return read_alert(alert(**changed), READER)


def refusal(**changed: Any) -> str:
    """Why one alert is refused."""
    message = read_message(raw(alert(**changed)), READER)
    assert message.accepted == ()
    return message.rejected[0].error


def test_an_alert_keeps_what_it_says() -> None:
    """Fraction digits beyond microseconds are cut; Go's zero time means that it still fires."""
    found = read()
    assert found.identity == "alerts/57c6d9296de2ad39"
    assert found.starts_at == datetime(2026, 11, 21, 8, 25, 0, 123456, tzinfo=UTC)
    assert found.ends_at is None
    assert found.target == TARGET
    assert found.cut == ()


def test_a_missing_fingerprint_is_computed_as_alertmanager_does() -> None:
    """The public example of Grafana's test alert."""
    labels = {"alertname": "TestAlert", "instance": "Grafana"}
    found = read_alert(alert(fingerprint="") | {"labels": labels}, READER)
    assert found.fingerprint == "57c6d9296de2ad39"


@pytest.mark.parametrize(
    "changed",
    [
        {"status": "FIRING"},
        {"status": None},
        {"status": ["firing"]},
        {"labels": {"pod": 7}},
        {"labels": {"pod": None}},
        {"labels": {"pod": {}}},
        {"labels": {"": "x"}},
        {"labels": {"pod": "a\x00b"}},
        {"labels": {"pod": "\ud800"}},
        {"labels": {"a\ud800": "x"}},
        {"startsAt": ""},
        {"startsAt": None},
        {"startsAt": "0001-01-01T00:00:00Z"},
        {"startsAt": "yesterday"},
        {"startsAt": "2026-11-21"},
        {"startsAt": "2026-W47-6"},
        {"startsAt": "2026-11-21T08:25:00"},
        {"startsAt": "2026-11-21T08:25:60Z"},
        {"startsAt": "2026-02-30T08:25:00Z"},
        {"startsAt": "10000-01-01T00:00:00Z"},
        {"startsAt": 1795249500},
        {"status": "resolved", "endsAt": "soon"},
        {"fingerprint": "../etc/passwd"},
        {"fingerprint": "x" * 500},
        {"fingerprint": 7},
    ],
)
def test_an_alert_that_cannot_be_read_says_why(changed: dict[str, Any]) -> None:
    """A printable sentence, whatever the input holds."""
    why = refusal(**changed)
    assert len(why) > 10
    assert why.isprintable()


@pytest.mark.parametrize("labels", [None, {}, [], "pod"])
def test_labels_must_be_an_object_with_something_in_it(labels: object) -> None:
    """Alertmanager itself refuses an alert without labels."""
    message = read_message(raw(alert() | {"labels": labels}), READER)
    assert "labels" in message.rejected[0].error


@pytest.mark.parametrize("odd", [None, 7, "alert", [], True])
def test_an_alert_must_be_an_object(odd: Any) -> None:
    """Its neighbours are read all the same."""
    message = read_message(raw(odd, alert()), READER)
    assert len(message.accepted) == 1
    assert message.rejected[0].index == 0


def test_an_outline_of_a_refused_alert_holds_no_value() -> None:
    """Quarantine shows what kind of thing it was, never what it said."""
    message = read_message(raw(alert(status="odd", labels={"password": "hunter2"})), READER)
    outline = str(message.rejected[0].outline)
    assert "password" in outline
    assert "hunter2" not in outline


@pytest.mark.parametrize(
    "ends_at",
    ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00+02:00", None, "", "2099-01-01T00:00:00Z"],
)
def test_a_firing_alert_has_no_end(ends_at: str | None) -> None:
    """Zero in any zone, nothing, or the moment at which it would expire."""
    assert read(endsAt=ends_at).ends_at is None


def test_an_end_before_the_start_is_mended_and_noted() -> None:
    """Such messages exist; the resolve itself still counts."""
    found = read(status="resolved", endsAt="2026-11-21T08:00:00Z")
    assert found.ends_at == found.starts_at
    assert "endsAt" in found.cut[0]


def test_a_future_start_is_moved_back_by_whole_hours() -> None:
    """Repeats within the hour stay one episode, and two episodes stay two."""
    ahead = alert(startsAt="2026-11-21T09:15:00Z")
    found = read_alert(ahead, READER)
    assert found.starts_at == datetime(2026, 11, 21, 8, 15, tzinfo=UTC)
    assert "startsAt" in found.cut[0]
    later = READER._replace(now=NOW + timedelta(minutes=20))
    assert read_alert(ahead, later).episode == found.episode
    other = read_alert(alert(startsAt="2026-11-21T09:16:00Z"), READER)
    assert other.episode != found.episode


def test_a_start_a_little_ahead_is_a_clock() -> None:
    """Up to five minutes nothing is changed."""
    assert read(startsAt="2026-11-21T08:34:00Z").cut == ()


def test_zones_are_turned_into_utc() -> None:
    """Two senders of one moment agree."""
    assert read(startsAt="2026-11-21T10:25:00+02:00").starts_at.hour == 8


def test_long_values_are_cut_and_named() -> None:
    """Never in the middle of a character."""
    found = read(labels={"message": "ä" * 5_000})
    assert len(found.labels["message"].encode()) <= 4_096
    assert found.labels["message"].endswith("ä…")
    assert found.cut == ("labels.message: cut to 4096 bytes",)


def test_ten_thousand_labels_keep_the_ones_that_name_the_workload() -> None:
    """And the list of what was left out is bounded too."""
    found = read(labels={f"a{n:05}": "x" for n in range(10_000)})
    assert len(found.labels) == 64
    assert found.labels["deployment"] == "user-auth"
    assert found.target == TARGET
    assert len(found.cut) == 21
    assert found.cut[-1].startswith("and ")


def test_an_alert_is_at_most_sixteen_kibibytes() -> None:
    """The summary is kept before the long description."""
    notes = {"description": "d" * 1_000_000, "summary": "short", "zzz": "z" * 9_000}
    found = read(annotations=notes, labels={f"l{n}": "v" * 100 for n in range(60)})
    texts = [*found.labels.items(), *found.annotations.items()]
    assert sum(len(name.encode()) + len(value.encode()) for name, value in texts) <= TOTAL_BYTES_MAX
    assert found.annotations["summary"] == "short"
    assert found.summary == "short"


def test_annotations_are_mended_rather_than_refused() -> None:
    """A log line with half a character must not lose the alert."""
    found = read(annotations={"summary": "a\x00b\ud800", "n": 7, "d": ["x"]})
    assert found.annotations == {"summary": "a\ufffdb\ufffd"}
    assert len(found.cut) == 3


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "ftp://x/y", "http://a b", 7, "http://" + "x" * 3000]
)
def test_only_http_addresses_are_kept(url: object) -> None:
    """They become links on a page."""
    found = read(generatorURL=url)
    assert found.generator_url == ""
    assert "generatorURL" in found.cut[0]


def test_an_alert_without_a_name_is_still_one() -> None:
    """Alertmanager requires labels, but none in particular."""
    found = read_alert(alert() | {"labels": {"pod": "x", "namespace": "shop"}}, READER)
    assert found.name == "unnamed alert"


def test_the_credential_names_the_cluster_and_a_label_confirms() -> None:
    """A contradiction is refused, because acting on the other cluster would be worse."""
    east = Reader(SOURCE.model_copy(update={"cluster": "east"}), TWO_CLUSTERS, NOW)
    assert read_alert(alert(), east).cluster == "east"
    assert read_alert(alert(labels={"cluster": "east"}), east).cluster == "east"
    contradicting = read_message(raw(alert(labels={"cluster": "west"})), east)
    assert "east" in contradicting.rejected[0].error


def test_with_several_clusters_none_is_defaulted() -> None:
    """The alert is accepted, and names nothing to act on."""
    reader = Reader(SOURCE, TWO_CLUSTERS, NOW)
    found = read_alert(alert(), reader)
    assert (found.cluster, found.target, found.subject) == ("", None, None)
    named = read_alert(alert(labels={"cluster": "west"}), reader)
    assert named.target is not None
    assert named.target.cluster == "west"


def test_a_cluster_that_is_not_configured_names_nothing() -> None:
    """Not even when only one is configured."""
    found = read(labels={"cluster": "elsewhere"})
    assert found.target is None
    assert "elsewhere" in found.cut[0]
