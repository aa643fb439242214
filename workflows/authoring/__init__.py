"""The author's desk: loading, checking, fingerprinting and playing runbooks.

It reads files and imports what it is told to, so nothing in a running workflow may use it.
"""
