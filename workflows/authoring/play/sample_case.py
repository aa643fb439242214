"""A plain case for a runbook: an alert that its first trigger wants, about one deployment."""

from datetime import timedelta

from contracts.alert import Alert, fingerprint_of
from contracts.case import Case
from contracts.target import Target
from workflows.authoring.play.troubles import BadScript
from workflows.authoring.play.world import BEGINS
from workflows.trigger import triggers_of

TARGET = Target(cluster="default", namespace="shop", kind="Deployment", name="web")
LABELS = {"alertname": "SomethingIsWrong", "namespace": "shop", "deployment": "web"}


def sample_case(runbook: type | None = None) -> Case:
    """A case of the deployment shop/web; with a class, of an alert that its first trigger wants.

    Raises:
        BadScript: no alert can be made up for that trigger.

    """
    labels = LABELS | (_labels_for(runbook) if runbook is not None else {})
    alert = Alert(
        source="alertmanager",
        fingerprint=fingerprint_of(labels),
        status="firing",
        name=labels["alertname"],
        labels=labels,
        annotations={"summary": f"{labels['alertname']}: {TARGET} is sick"},
        starts_at=BEGINS - timedelta(minutes=5),
        target=TARGET,
    )
    return Case(
        incident="inc-000000000001",
        attempt=1,
        runbook="under_test",
        target=TARGET,
        alerts=(alert,),
        service="web",
        team="shop",
    )


def _labels_for(runbook: type) -> dict[str, str]:
    # Late, because regular languages are a library of their own.
    from workflows.authoring.checks.languages import Unknown
    from workflows.authoring.checks.triggers import common_alert

    for trigger in triggers_of(runbook)[:1]:
        try:
            labels = common_alert(trigger.matchers, search=False)
        except Unknown:
            labels = None
        if labels is None or not trigger.matches(LABELS | labels):
            wanted = ", ".join(map(str, trigger.matchers))
            fix = "Give it a case of your own: `run_runbook(…, a_case.model_copy(update={…}))`."
            raise BadScript(f"no alert comes to mind that has {wanted}", fix)
        return labels
    return {}
