"""The doors: alerts come in, people look, decide and pause; nothing here acts on a cluster.

Doors authenticate, read, and hand on to Temporal or to the books. They hold no state of their
own, so that any number of gateways can stand side by side.
"""
