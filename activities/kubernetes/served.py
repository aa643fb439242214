"""Lists of kinds that an API server need not serve."""

from activities.kubernetes.client import Cluster
from activities.kubernetes.raw import Object
from contracts.errors import NotFound


def list_served(cluster: Cluster, kind: str, namespace: str) -> list[Object]:
    """All objects of a kind; none where the API server does not serve the kind at all, because
    what is not served cannot be stored. Any other failure is raised.
    """
    try:
        return cluster.list_all(kind, namespace)
    except NotFound:
        return []
