"""The CronJob above a Job: its owner, or, for a Job that Firebreak ran again, the one it names.

It is found by uid, so that a namesake has no say. Nothing here judges, and nothing here writes.
"""

from activities.kubernetes import raw
from activities.kubernetes.client import Cluster
from activities.kubernetes.subject import Subject
from activities.kubernetes.workload import Workload
from contracts.errors import NotFound
from contracts.target import Target

AGAIN = "firebreak.dev/rerun-of"
AGAIN_UID = "firebreak.dev/rerun-of-uid"


def cron_job_above(cluster: Cluster, target: Target, job: Subject) -> Workload:
    """The CronJob as it is now, empty where there is none any more.

    Raises Unavailable, Rejected.
    """
    owner = raw.controller_of(job.raw)
    ours = {"name": raw.annotation(job.raw, AGAIN), "uid": raw.annotation(job.raw, AGAIN_UID)}
    wanted = owner if owner.get("kind") == "CronJob" else ours
    if not wanted.get("uid"):
        return Workload({}, kind="CronJob")
    try:
        found = cluster.get("CronJob", target.namespace, raw.text(wanted, "name")).body
    except NotFound:
        found = {}
    return Workload(found if raw.uid_of(found) == wanted["uid"] else {}, kind="CronJob")
