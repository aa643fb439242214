"""`firebreak doctor` asks for every permission and every sender, and says how to mend each."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import SecretStr

import doctor
import runbooks
from activities.kubernetes import Cluster
from activities.kubernetes.verbs import NEEDS, OWNER
from contracts.errors import InvalidInput, Rejected, Unavailable
from contracts.kubernetes import Drain, NodeConditions, RolloutRestart
from contracts.policy import Limits, Policy
from doctor import Finding, examine, subject_of
from roots.programs import Program, ran
from settings import Settings
from workflows.authoring.folders import Found, load
from workflows.authoring.steps import activities_of

RESTART = """
from temporalio import workflow
from contracts import Case, Outcome
from contracts.kubernetes import RolloutRestart
from workflows import Runbook

@workflow.defn(name="restart")
class Restart(Runbook):
    @workflow.run
    async def run(self, case: Case) -> Outcome:
        await self.act(RolloutRestart(target=case.target))
        return Outcome(status="resolved", summary="done")
"""


class FakeCluster:
    """Says what the account may do: everything but what is denied, or how it fails."""

    context = "blue"

    def __init__(self, *denied: str, fails: Exception | None = None) -> None:
        self.denied = denied
        self.fails = fails
        self.asked: list[dict[str, str]] = []

    def may(self, attributes: dict[str, str]) -> bool:
        """As a SelfSubjectAccessReview answers."""
        self.asked.append(attributes)
        if self.fails is not None:
            raise self.fails
        return f"{attributes['verb']} {attributes['resource']}" not in self.denied


def permissions(cluster: Any, **limits: Any) -> list[Finding]:
    """What the doctor finds for the runbooks that ship."""
    policy = Policy(limits=Limits.model_validate({"namespaces": ("shop",)} | limits))
    return list(doctor._permissions("default", cluster, policy, load(runbooks)))


def test_all_permissions_there_is_one_line_a_namespace() -> None:
    """Asked in that namespace, and about nodes only where nodes are allowed."""
    cluster = FakeCluster()
    (found,) = permissions(cluster)
    assert (found.name, found.ok) == ("permissions in default/shop", True)
    assert {asked.get("namespace") for asked in cluster.asked} == {"shop"}
    names = [finding.name for finding in permissions(FakeCluster(), nodes=True)]
    assert names == ["permissions in default/shop", "permissions on nodes of default"]


def test_each_missing_verb_is_named_with_the_command_that_grants_it() -> None:
    """The files that hold exactly these, for that context and namespace."""
    cluster = FakeCluster("patch deployments", "delete pods")
    (found,) = permissions(cluster)
    assert not found.ok
    assert "patch deployments.apps" in found.detail
    assert "delete pods" in found.detail
    assert found.fix == (
        "kubectl --context blue -n shop apply "
        "-f deploy/rbac/actor.yaml -f deploy/rbac/pods-delete.yaml"
    ) or found.fix.endswith("-f deploy/rbac/pods-delete.yaml -f deploy/rbac/actor.yaml")


def test_a_cluster_that_does_not_say_is_not_believed_either_way() -> None:
    """501 is neither a yes nor a no; no answer at all is the third exit code."""
    (unknown,) = permissions(FakeCluster(fails=Rejected("501")))
    assert (unknown.ok, unknown.away) == (False, False)
    assert unknown.detail.startswith("cannot tell")
    (away,) = permissions(FakeCluster(fails=Unavailable("no route")))
    assert (away.ok, away.away) == (False, True)


def found_in(text: str) -> Found:
    """A runbook of this text."""

    class Restart:
        """The class that the text names."""

    return Found("restart", Restart, Path("restart.py"), shipped=False, text=text, helpers={})


def test_a_runbook_needs_what_its_text_does() -> None:
    """And nothing of what it does not."""
    assert activities_of([found_in(RESTART)]) == (OWNER, RolloutRestart.activity)


def test_a_step_that_shows_only_at_run_time_may_be_any_of_its_kind() -> None:
    """Fail closed: every action's permissions are asked for."""
    told = activities_of([found_in(RESTART.replace("RolloutRestart(target=case.target)", "step"))])
    assert Drain.activity in told
    assert NodeConditions.activity not in told
    assert set(told) <= set(NEEDS)


@contextmanager
def answering(status: int, body: str) -> Iterator[str]:
    """A server that gives this answer to everything; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        do_OPTIONS = do_GET  # noqa: N815 - the name is the library's

        def log_message(self, *_: Any) -> None:
            """Be quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def senders(prometheus: str = "", webhook: str = "") -> list[Finding]:
    """What the doctor finds of these."""
    settings = Settings(webhook_url=SecretStr(webhook) if webhook else None)
    policy = Policy(prometheus={"default": prometheus} if prometheus else {})
    return list(doctor._senders(settings, policy))


def test_a_prometheus_is_asked_a_query() -> None:
    """Another server at that address is no Prometheus."""
    with answering(200, '{"status":"success"}') as url:
        assert [f.ok for f in senders(prometheus=url)] == [True]
    with answering(200, "<html>") as url:
        (found,) = senders(prometheus=url)
    assert (found.ok, found.away) == (False, False)
    (away,) = senders(prometheus=url)
    assert (away.ok, away.away) == (False, True)
    assert "`prometheus`" in away.fix


def test_a_webhook_is_knocked_at_and_its_secret_address_is_not_shown() -> None:
    """Any answer is one: nothing is posted."""
    with answering(405, "") as url:
        (found,) = senders(webhook=f"{url}/hooks/s3cret")
    assert found.ok
    assert "405" in found.detail
    (away,) = senders(webhook=f"{url}/hooks/s3cret")
    assert (away.ok, away.away) == (False, True)
    assert "s3cret" not in str((found, away))


@pytest.mark.asyncio(loop_scope="session")
async def test_what_is_away_is_told_apart_from_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing runs here: Temporal is away, the database has no tables, and all is looked at."""
    (tmp_path / "firebreak.toml").write_text('[limits]\nnamespaces = ["shop"]\n')
    monkeypatch.setenv("FIREBREAK_CONFIG", str(tmp_path / "firebreak.toml"))
    monkeypatch.setenv("FIREBREAK_STATE", str(tmp_path))
    monkeypatch.setenv("FIREBREAK_TEMPORAL_ADDRESS", "127.0.0.1:1")
    found = {finding.name: finding for finding in await examine()}
    assert found["Temporal"].away
    assert (found["database"].ok, found["database"].away) == (False, False)
    assert found["database"].detail == f"there is no {tmp_path / 'firebreak.db'} yet"
    assert "firebreak up" in found["database"].fix
    assert "firebreak db upgrade" in found["database"].fix
    assert not (tmp_path / "firebreak.db").exists()
    assert found["Temporal"].detail == "nobody answers at 127.0.0.1:1"
    assert "firebreak up" in found["Temporal"].fix
    assert not found["clusters"].ok
    assert not found["policy"].ok
    assert found["policy"].detail == "0 people, 0 responders, 0 sources"
    assert not [finding for finding in found.values() if "by itself" in finding.fix]


def test_what_else_temporals_client_says_is_told() -> None:
    """A certificate that is not accepted is no server that nobody has started."""
    found = doctor._no_temporal("temporal.test:7233", "invalid peer certificate: UnknownIssuer")
    assert found.detail == "invalid peer certificate: UnknownIssuer"
    assert doctor._no_temporal("a:1", "").detail == "nobody answers at a:1"


def test_without_a_namespace_nothing_is_written_and_that_is_no_good_news() -> None:
    """It is a fault in the summary, with the key that is missing."""
    with pytest.raises(InvalidInput, match="no namespace is allowed") as refused:
        doctor._namespaces(cast("Cluster", FakeCluster()), Policy())
    assert "[limits]" in refused.value.fix


def test_a_folder_in_which_nothing_was_started_is_refused(tmp_path: Path) -> None:
    """Rather than the settings of this process, which nobody asked about."""
    with pytest.raises(InvalidInput, match="nothing of Firebreak's was started") as refused:
        subject_of(tmp_path)
    assert "firebreak demo" in refused.value.fix


def test_a_demo_that_left_a_broken_file_is_refused(tmp_path: Path) -> None:
    """With what to do."""
    (tmp_path / "client.json").write_text("{}")
    (tmp_path / "played.json").write_text('{"settings": {}}')
    with pytest.raises(InvalidInput, match=r"played\.json cannot be read"):
        subject_of(tmp_path)


def test_a_running_demo_is_looked_at_by_its_folder(tmp_path: Path) -> None:
    """Its own policy, books, cluster and Temporal; once it is gone, that is what is said."""
    state = tmp_path / "state"
    with Program(tmp_path, "demo", "--port", "0", "--json", "--state", str(state)) as demo:
        url = demo.ready()["url"]
        assert (state / "played.json").stat().st_mode & 0o777 == 0o600
        well = ran(tmp_path, "doctor", "--state", str(state), "--json")
        demo.stop(signal.SIGINT)
    found = {check["name"]: check for check in well.json["checks"]}
    assert [name for name, check in found.items() if not check["ok"]] == []
    assert found["gateway"]["detail"] == f"answers at {url}"
    assert found["cluster default"]["detail"] == "readable: shop"
    assert {"Temporal", "database", "worker of firebreak.default"} <= found.keys()
    assert found["worker of firebreak"]["detail"].startswith("1 polling: ")
    ended = ran(tmp_path, "doctor", "--state", str(state), "--json")
    assert ended.code == 3
    gateway = {check["name"]: check for check in ended.json["checks"]}["gateway"]
    assert (gateway["ok"], gateway["away"]) == (False, True)
