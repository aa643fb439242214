"""Secrets in alerts end at the door: what travels on is blank, and still the same alert."""

import json
from typing import Any

import httpx
import pytest
from gateway_fakes import NOW, POLICY, TARGET, FakeTemporal, alert, bearer, notification, raw

from contracts.alert import Alert, fingerprint_of
from contracts.matching import Matcher
from contracts.policy import Service, Source
from gateway.alertmanager import Reader, read_alert, read_message
from gateway.doors import Doors
from gateway.shorten import ANNOTATION_BYTES_MAX, LABEL_BYTES_MAX

READER = Reader(Source(name="alerts", kind="alertmanager"), POLICY, NOW)
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
SECRETS = ["hunter2", TOKEN, "AKIAABCDEFGHIJKLMNOP", "s3cr3t-of-prom"]


def read(**changed: Any) -> Alert:
    """Read one alert."""
    return read_alert(alert(**changed), READER)


def hostile() -> dict[str, Any]:
    """An alert with a secret in every place where one was ever found."""
    return alert(
        labels={
            "alertname": f"LoginFails password=hunter2 {TOKEN}",
            "args": "--password hunter2",
            "db_password": "hunter2",
        },
        annotations={
            "summary": "login to postgres://app:hunter2@db/users fails",
            "description": f"Authorization: Bearer {TOKEN}",
            "api_key": "AKIAABCDEFGHIJKLMNOP",
        },
        generatorURL="http://scrape:s3cr3t-of-prom@prometheus:9090/graph",
    )


def test_no_secret_of_an_alert_travels() -> None:
    """Labels, annotations, name and address; what surrounds the secret stays readable."""
    found = read_alert(hostile(), READER)
    text = found.model_dump_json()
    assert not [secret for secret in SECRETS if secret in text]
    assert found.annotations["summary"] == "login to postgres://app:[redacted]@db/users fails"
    assert found.labels["db_password"] == found.annotations["api_key"] == "[redacted]"
    assert found.name.startswith("LoginFails password=[redacted]")
    assert "annotations.api_key: a secret was blanked" in found.cut


def test_identity_and_target_are_those_of_the_labels_as_sent() -> None:
    """Two alerts that differ by a secret only are two, and a matcher still finds its service."""
    labels = alert()["labels"] | {"token": "one"}
    one, two = (read(fingerprint="", labels={"token": value}) for value in ("one", "two"))
    assert one.fingerprint == fingerprint_of(labels)
    assert one.fingerprint != two.fingerprint
    assert one.labels == two.labels
    assert read(labels={"token": "x"}).target == TARGET
    service = Service(
        name="vault", matchers=(Matcher(label="token", op="=", value="x"),), target=TARGET
    )
    reader = READER._replace(policy=POLICY.model_copy(update={"services": (service,)}))
    assert read_alert(alert(labels={"token": "x"}), reader).service == "vault"


def test_the_name_of_a_secret_object_is_none() -> None:
    """Exporters tell of Secrets by name; ordinary labels and addresses stay as they are."""
    found = read(labels={"secret": "db-credentials", "pod": "web-1"})
    assert found.labels["secret"] == "db-credentials"
    assert found.labels["namespace"] == "shop"
    assert found.generator_url == "http://prometheus:9090/graph?g0.expr=up"
    assert found.cut == ()


@pytest.mark.parametrize(
    ("group", "bytes_max"),
    [("annotations", ANNOTATION_BYTES_MAX), ("labels", LABEL_BYTES_MAX)],
)
def test_a_secret_is_blanked_before_the_text_is_cut(group: str, bytes_max: int) -> None:
    """Half a token has no shape, and would stay."""
    for fill in range(bytes_max - 400, bytes_max, 8):
        found = read(**{group: {"summary": f"{'x' * fill} {TOKEN}"}})
        assert "eyJ" not in found.model_dump_json()


def test_an_alert_that_is_refused_tells_no_secret_either() -> None:
    """The reason and the outline are kept, and shown to admins."""
    bad = hostile() | {"status": "password=hunter2"}
    (rejection,) = read_message(raw(bad), READER).rejected
    text = rejection.error + json.dumps(rejection.outline)
    assert "hunter2" not in text
    assert "status is" in rejection.error


@pytest.mark.asyncio(loop_scope="session")
async def test_the_door_hands_on_and_keeps_nothing_secret(
    http: httpx.AsyncClient, fake: FakeTemporal, here: Doors
) -> None:
    """Neither in workflow history nor in quarantine."""
    message = notification(hostile(), hostile() | {"status": "password=hunter2"})
    answer = await http.post("/alerts/alertmanager", json=message, headers=bearer("token-alerts"))
    assert answer.status_code == 202
    sent = "".join(envelope.model_dump_json() for _, envelope in fake.signals)
    kept = "".join(row.model_dump_json() for row in here.journal.quarantined())
    assert sent
    assert kept
    assert not [secret for secret in SECRETS if secret in sent + kept + answer.text]
