"""What a remediation acts on: one named workload (or node), never a selector."""

from pydantic import Field

from contracts.model import Contract

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"  # RFC 1123, as Kubernetes names things
KINDS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob", "Node", "Pod")


class Target(Contract):
    """One object of one cluster. `namespace` is empty only for a Node."""

    cluster: str = Field(min_length=1, max_length=253, pattern=r"^[^/\s]+$")
    namespace: str = Field(default="", max_length=63, pattern=rf"^({_LABEL})?$")
    kind: str = Field(min_length=1, max_length=63, pattern=r"^[A-Za-z]+$")
    name: str = Field(max_length=253, pattern=rf"^{_LABEL}(\.{_LABEL})*$")

    @property
    def key(self) -> str:
        """`<cluster>/<namespace>/<kind>/<name>`: the lock key and the tail of the workflow id."""
        return f"{self.cluster}/{self.namespace}/{self.kind}/{self.name}"

    @property
    def workflow_id(self) -> str:
        """The id of the one Incident that handles this target."""
        return f"incident/{self.key}"

    def __str__(self) -> str:
        """`<kind> <namespace>/<name>` in lower case, as kubectl users say it."""
        place = f"{self.namespace}/" if self.namespace else ""
        return f"{self.kind.lower()} {place}{self.name}"


def parse_target(text: str, cluster: str) -> Target:
    """Read `NS/KIND/NAME` (the command line's form), or `node/NAME`, which is in no namespace.

    Raises:
        ValueError: the text does not have three parts, or the kind is not one we know.

    """
    if text.count("/") == 1 and text.lower().startswith("node/"):
        text = f"/{text}"
    try:
        namespace, kind, name = text.split("/")
    except ValueError:
        raise ValueError(f"'{text}' is not NAMESPACE/KIND/NAME, e.g. shop/deployment/web") from None
    kinds = {known.lower(): known for known in KINDS}
    if kind.lower() not in kinds:
        raise ValueError(f"'{kind}' is not one of {', '.join(sorted(kinds))}")
    return Target(cluster=cluster, namespace=namespace, kind=kinds[kind.lower()], name=name)
