"""The clusters of the contract suite, as those see them who only know the protocol."""

from collections.abc import Iterator

import pytest
from clusters import Live

from contract.face import Face


@pytest.fixture
def face(live: Live) -> Iterator[Face]:
    """The administrator of a cluster, sandbox or real."""
    made = Face(live)
    yield made
    made.close()


@pytest.fixture
def web(face: Face) -> Face:
    """The same, with a healthy Deployment `web` of three pods."""
    face.deploy()
    return face
