"""A real Kubernetes control plane for tests and for trying things, without containers.

etcd, kube-apiserver, its controllers and the scheduler are one binary of our own building, and
kwok plays the kubelets. Nothing that ships may import this package.
"""
