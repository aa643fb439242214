"""What counts as a no and as a yes of the owners."""

import pytest

from activities.kubernetes.affected import Owners
from activities.kubernetes.consent import Consent, consent_of
from activities.kubernetes.raw import Object
from activities_kubernetes.planted import NAMESPACE, Planted, owned_by, pod, target, thing

NOBODY = Consent(opted_out=False, opted_in=False)


def _annotated(**notes: str) -> Object:
    annotations = {f"firebreak.dev/{key.replace('_', '-')}": said for key, said in notes.items()}
    return {"metadata": {"annotations": annotations}}


def _namespace(**notes: str) -> Planted:
    metadata = {"namespace": "", "name": NAMESPACE} | _annotated(**notes)["metadata"]
    return Planted(thing("Namespace", NAMESPACE, metadata=metadata))


@pytest.mark.parametrize("said", ["true", "True", "TRUE", "yes", "1", "on", "fales", " "])
def test_whatever_is_not_a_no_opts_out(said: str) -> None:
    """Of the object, and of its namespace."""
    assert consent_of(_namespace(), target(), _annotated(opt_out=said)).opted_out
    assert consent_of(_namespace(opt_out=said), target(), {}).opted_out


@pytest.mark.parametrize("said", ["", "false", "False"])
def test_a_plain_false_does_not_opt_out(said: str) -> None:
    """Nor does silence."""
    assert not consent_of(_namespace(opt_out=said), target(), _annotated(opt_out=said)).opted_out
    assert consent_of(_namespace(), target(), {}) == NOBODY


@pytest.mark.parametrize(
    ("said", "counts"),
    [("true", 1), ("True", 1), ("yes", 0), ("1", 0), (" true", 0), ("false", 0), ("", 0)],
)
def test_only_true_opts_in(said: str, counts: int) -> None:
    """What nobody understands lets nobody in."""
    assert consent_of(_namespace(), target(), _annotated(opt_in=said)).opted_in == counts
    assert consent_of(_namespace(opt_in=said), target(), {}).opted_in == counts


def test_what_is_above_the_target_has_a_say() -> None:
    """Each of the objects."""
    said = consent_of(_namespace(), target("Job"), {}, _annotated(opt_out="true", opt_in="true"))
    assert said == Consent(opted_out=True, opted_in=True)


def test_of_an_owner_of_an_unknown_kind_only_the_namespace_has_a_say() -> None:
    """It stays without a reading, which the drain tells."""
    cluster = _namespace(opt_out="yes")
    cluster.objects.append(thing("Rollout"))
    one = pod(metadata=owned_by("Rollout", version="argoproj.io/v1alpha1"))
    owners = Owners(cluster, "lab")
    (found,) = owners.affected([one])
    assert (found.target.kind, found.obj) == ("Rollout", {})
    node = target("Node")
    assert owners.consent(node, {}, [found]).opted_out
    assert owners.consent(node, {}, []) == NOBODY


def test_a_replica_set_of_its_own_has_a_say() -> None:
    """Its pods are not counted like a workload's, and its annotations are read all the same."""
    cluster = _namespace()
    notes = _annotated(opt_out="true")["metadata"]
    cluster.objects.append(thing("ReplicaSet", metadata=notes))
    owners = Owners(cluster, "lab")
    (found,) = owners.affected([pod()])
    assert found.workload.raw == {}
    assert owners.consent(target("Node"), {}, [found]).opted_out
