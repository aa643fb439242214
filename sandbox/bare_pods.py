"""What the API does to a pod that somebody makes by hand before it keeps it. It never writes."""

from sandbox.objects import Object
from sandbox.placing import default_tolerations
from sandbox.status import Cause
from sandbox.templates import container_problems, default_pod_spec, name_problems

_FIXED = (
    "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only "
    "additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set "
    "to 1 if it was previously negative)"
)


def pod_problems(pod: Object, current: Object | None = None) -> list[Cause]:
    """Fill in the defaults of a pod; its field errors, with `current` of an update."""
    spec = pod.setdefault("spec", {})
    default_pod_spec(spec)
    default_tolerations(spec)
    found = name_problems(pod)
    found += [
        Cause(cause.field.removeprefix("."), cause.reason, cause.message)
        for cause in container_problems(pod, "")
    ]
    if current is not None and spec != current["spec"]:
        found.append(Cause("spec", "FieldValueForbidden", _FIXED))
    return found
