"""A helper with a memory, to be passed through the sandbox."""

import itertools

COUNTER = itertools.count()
