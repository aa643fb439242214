"""An alert is told from another by its source and fingerprint, and travels in an envelope."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from contracts.alert import ENVELOPE_SCHEMA, Alert, AlertEnvelope, fingerprint_of

BEGAN = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)


def alert(**changes: object) -> Alert:
    """A firing alert of user-auth."""
    values: dict[str, object] = {
        "source": "alertmanager",
        "fingerprint": "57c6d9296de2ad39",
        "status": "firing",
        "name": "HighUserAuthLatency",
        "starts_at": BEGAN,
    }
    return Alert.model_validate(values | changes)


def test_the_fingerprint_is_alertmanagers() -> None:
    """A known value: the fingerprint that Alertmanager itself computes for these two labels."""
    labels = {"alertname": "TestAlert", "instance": "Grafana"}
    assert fingerprint_of(labels) == "57c6d9296de2ad39"


def test_the_fingerprint_does_not_depend_on_the_order_of_labels() -> None:
    """Labels are a set; a sender may list them as it likes."""
    labels = {"b": "2", "a": "1", "c": "ü"}
    assert fingerprint_of(dict(reversed(labels.items()))) == fingerprint_of(labels)


@pytest.mark.parametrize(
    "other", [{"a": "1", "b": "3"}, {"a": "1"}, {"a": "1b", "": "2"}, {"a": "", "1b": "2"}]
)
def test_other_labels_have_another_fingerprint(other: dict[str, str]) -> None:
    """The border between a name and its value counts, too."""
    assert fingerprint_of(other) != fingerprint_of({"a": "1", "b": "2"})


def test_no_labels_have_a_fingerprint_too() -> None:
    """Sixteen digits always: it becomes part of a workflow id."""
    assert fingerprint_of({}) == "cbf29ce484222325"


def test_a_repeat_is_the_same_episode_and_a_new_firing_is_another() -> None:
    """A hundred deliveries of one firing are one thing; the same alert tomorrow is not."""
    first, repeat = alert(), alert(annotations={"summary": "still slow"})
    tomorrow = alert(starts_at=BEGAN + timedelta(days=1))
    assert first.episode == repeat.episode
    assert (first.identity == tomorrow.identity, first.episode == tomorrow.episode) == (True, False)


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ({"summary": "slow", "description": "very slow"}, "slow"),
        ({"description": "very slow"}, "very slow"),
        ({"summary": ""}, "HighUserAuthLatency"),
        ({}, "HighUserAuthLatency"),
    ],
)
def test_the_summary_is_the_senders_own_sentence(
    annotations: dict[str, str], expected: str
) -> None:
    """Or the alert's name, where the rule's author wrote none."""
    assert alert(annotations=annotations).summary == expected


def test_an_alert_comes_out_of_its_envelope_as_it_went_in() -> None:
    """Through JSON, as Temporal carries it."""
    sealed = AlertEnvelope.seal(alert(labels={"severity": "critical"}, cut=("labels.x: cut",)))
    arrived = AlertEnvelope.model_validate_json(sealed.model_dump_json())
    assert arrived.open() == alert(labels={"severity": "critical"}, cut=("labels.x: cut",))


def test_the_envelope_says_its_version_under_the_name_schema() -> None:
    """`schema` is what travels; both names are read."""
    assert AlertEnvelope.seal(alert()).model_dump()["schema"] == ENVELOPE_SCHEMA
    assert AlertEnvelope.model_validate({"schema": 7, "body": {}}).version == 7
    assert AlertEnvelope.model_validate({"version": 7, "body": {}}).version == 7


def test_an_envelope_decodes_whatever_is_in_it() -> None:
    """A signal that does not decode would be dropped in silence; the handler can say so."""
    envelope = AlertEnvelope.model_validate({"schema": 99, "body": {"alerts": 3}, "more": 1})
    with pytest.raises(ValidationError):
        envelope.open()
