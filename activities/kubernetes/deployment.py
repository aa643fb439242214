"""What only a Deployment has: the annotation that numbers its revisions."""

REVISION = "deployment.kubernetes.io/revision"
