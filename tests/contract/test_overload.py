"""The limiter in front of the real API: how its 429 differs from that of a disruption budget."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from clusters import Live

from contract.face import Answer, Face
from tools.controlplane.files import READER

FLOWS = "/apis/flowcontrol.apiserver.k8s.io/v1"
CALLS, AT_ONCE = 400, 40


@pytest.fixture
def crowd(real_cluster: Live) -> Iterator[Face]:
    """Somebody who may have one request at a time, and no queue."""
    admin, reader = Face(real_cluster), Face(real_cluster, "reader")
    limited = {
        "nominalConcurrencyShares": 0,
        "lendablePercent": 0,
        "borrowingLimitPercent": 0,
        "limitResponse": {"type": "Reject"},
    }
    spec = {"type": "Limited", "limited": limited}
    level = {"metadata": {"name": "contract"}, "spec": spec}
    everything = {
        "verbs": ["*"],
        "apiGroups": ["*"],
        "resources": ["*"],
        "namespaces": ["*"],
        "clusterScope": True,
    }
    rule = {
        "subjects": [{"kind": "User", "user": {"name": READER}}],
        "resourceRules": [everything],
    }
    flow = {"priorityLevelConfiguration": {"name": "contract"}, "matchingPrecedence": 10}
    schema = {"metadata": {"name": "contract"}, "spec": flow | {"rules": [rule]}}
    assert admin.post(f"{FLOWS}/prioritylevelconfigurations", level).code == 201
    assert admin.post(f"{FLOWS}/flowschemas", schema).code == 201
    yield reader
    admin.delete(f"{FLOWS}/flowschemas/contract")
    admin.delete(f"{FLOWS}/prioritylevelconfigurations/contract")
    admin.close()
    reader.close()


def test_the_limiters_429_is_plain_text_with_retry_after(crowd: Face) -> None:
    """One second, no Status, no cause: the sandbox's fault of that name says the same."""

    def refused() -> list[Answer]:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            answers = list(pool.map(lambda _: crowd.get("pods"), range(CALLS)))
        return [answer for answer in answers if answer.code == 429]

    answer = crowd.live.wait(refused)[0]

    assert answer.headers["Retry-After"] == "1"
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.body == {"message": "Too many requests, please try again later.\n"}
