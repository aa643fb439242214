"""Logs: what is refused, and with which sentence."""

import pytest

from contract.face import Face, template


def pod(face: Face) -> str:
    """The name of one pod."""
    return str(face.pods("web")[0]["metadata"]["name"])


def test_a_log_is_plain_text(web: Face) -> None:
    """Without a container's name, when there is only one."""
    answer = web.get(f"pods/{pod(web)}/log?tailLines=5")

    assert answer.code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert "listening on :8080" in answer.message


def test_only_the_last_lines_and_bytes(web: Face) -> None:
    """Counted from the end, cut from the beginning."""
    assert web.get(f"pods/{pod(web)}/log?tailLines=1").message.count("\n") == 1
    assert web.get(f"pods/{pod(web)}/log?tailLines=0").message == ""
    assert len(web.get(f"pods/{pod(web)}/log?limitBytes=3").message) == 3


def test_every_line_can_have_its_time(web: Face) -> None:
    """RFC 3339, then the text."""
    line = web.get(f"pods/{pod(web)}/log?timestamps=true&tailLines=1").message

    assert line[4] == "-"
    assert line.split(" ")[0].endswith("Z")


def test_an_unknown_container_is_400(web: Face) -> None:
    """The pod is named."""
    name = pod(web)
    answer = web.get(f"pods/{name}/log?container=nobody")

    assert answer.what == (400, "BadRequest")
    assert answer.message == f"container nobody is not valid for pod {name}"


def test_of_two_containers_one_must_be_named(face: Face) -> None:
    """The names are offered."""
    two = template("web")
    two["spec"]["containers"].append({"name": "side", "image": "registry.example/side:1"})
    face.deploy(replicas=1, template=two)
    name = pod(face)
    answer = face.get(f"pods/{name}/log")

    said = f"a container name must be specified for pod {name}, choose one of: [app side]"
    assert (answer.code, answer.message) == (400, said)
    assert face.get(f"pods/{name}/log?container=side").code == 200


@pytest.mark.parametrize(
    ("option", "field"), [("tailLines=-1", "tailLines"), ("limitBytes=0", "limitBytes")]
)
def test_bounds_that_mean_nothing_are_422(web: Face, option: str, field: str) -> None:
    """Of PodLogOptions."""
    answer = web.get(f"pods/{pod(web)}/log?{option}")

    assert answer.what == (422, "Invalid")
    assert answer.causes[0]["field"] == field


def test_the_log_of_nobody_is_404(face: Face) -> None:
    """As the pod itself."""
    assert face.get("pods/nobody/log").message == 'pods "nobody" not found'
