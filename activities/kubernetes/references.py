"""What a pod template needs beside itself: the ConfigMaps and Secrets that it names.

An old template may name what has been deleted since; its pods would then never start. ConfigMaps
are looked for; Secrets are never read, and without reading them nobody can tell whether they
exist. Optional ones are left out: a pod starts without them.
"""

from collections.abc import Iterator

from activities.kubernetes import raw
from activities.kubernetes.client import Cluster
from activities.kubernetes.raw import Object
from contracts.errors import NotFound

LOOKED_FOR_MAX = 20


def config_maps_of(template: Object) -> list[str]:
    """The names of the ConfigMaps without which its pods do not start."""
    return _named(template, "configMap", "name")


def secrets_of(template: Object) -> list[str]:
    """The names of the Secrets without which its pods do not start."""
    return _named(template, "secret", "secretName")


def missing_config_maps(cluster: Cluster, namespace: str, template: Object) -> list[str]:
    """Those that are not there, of the first `LOOKED_FOR_MAX`. Only their absence leaves this
    function. Raises Rejected when they may not be read, Unavailable.
    """
    names = config_maps_of(template)[:LOOKED_FOR_MAX]
    return [name for name in names if not _exists(cluster, namespace, name)]


def unseen(template: Object) -> list[str]:
    """Sentences about what nobody looked for."""
    secrets = ", ".join(secrets_of(template))
    said = [f"secrets are never read; it needs {secrets}"] if secrets else []
    names = config_maps_of(template)
    if len(names) > LOOKED_FOR_MAX:
        said.append(f"{len(names) - LOOKED_FOR_MAX} config maps were not looked for")
    return said


def _exists(cluster: Cluster, namespace: str, name: str) -> bool:
    try:
        cluster.get("ConfigMap", namespace, name)
    except NotFound:
        return False
    return True


def _named(template: Object, kind: str, name_in_volume: str) -> list[str]:
    found = [*_of_volumes(template, kind, name_in_volume), *_of_containers(template, kind)]
    return sorted({name for name in found if name})


def _of_volumes(template: Object, kind: str, name_in_volume: str) -> Iterator[str]:
    for volume in raw.items(template, "spec", "volumes"):
        yield _needed(raw.mapping(volume, kind), name_in_volume)
        for source in raw.items(volume, "projected", "sources"):
            yield _needed(raw.mapping(source, kind), "name")


def _of_containers(template: Object, kind: str) -> Iterator[str]:
    spec = raw.mapping(template, "spec")
    for container in raw.items(spec, "initContainers") + raw.items(spec, "containers"):
        for source in raw.items(container, "envFrom"):
            yield _needed(raw.mapping(source, f"{kind}Ref"), "name")
        for variable in raw.items(container, "env"):
            yield _needed(raw.mapping(variable, "valueFrom", f"{kind}KeyRef"), "name")


def _needed(reference: Object, name: str) -> str:
    return "" if reference.get("optional") is True else raw.text(reference, name)
