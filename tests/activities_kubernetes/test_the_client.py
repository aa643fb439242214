"""The official client as we set it up: no hidden retries, raw bytes, our errors only."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from kubernetes.client import ApiClient, Configuration
from temporalio import activity

from activities.kubernetes import Brakes, Cluster, all_activities, open_cluster
from activities.kubernetes.client import MERGE_PATCH, PAGE_ITEMS, PAGES_MAX, Patch, Place
from activities.kubernetes.failures import Conflict
from activities.weather import WeatherWatch
from activities_kubernetes.shop import Shelf, Shop, Sky, Switches
from contracts import calls, kubernetes
from contracts.errors import (
    FirebreakError,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    Rejected,
    Unavailable,
)
from contracts.limits import Limits
from contracts.step import Action, Step
from sandbox import Fault
from toil.database import open_engine
from toil.journal import Journal
from toil.pauses import Pauses
from toil.storms import Storms

Reply = tuple[int, dict[str, str], bytes]


@contextmanager
def _canned(reply: Callable[[str], Reply]) -> Iterator[Cluster]:
    """A cluster whose server answers each path with `reply`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = reply(self.path)
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = True

        do_PATCH = do_GET  # noqa: N815  # the library's name

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    settings = Configuration(host=f"http://127.0.0.1:{server.server_port}")
    settings.retries = False
    cluster = Cluster(ApiClient(settings))
    try:
        yield cluster
    finally:
        cluster.close()
        server.shutdown()
        thread.join()
        server.server_close()


def _status(code: int, **more: Any) -> bytes:
    return json.dumps({"kind": "Status", "code": code} | more).encode()


@pytest.mark.parametrize(
    ("code", "on_read", "on_write"),
    [
        (400, Rejected, Rejected),
        (401, Rejected, Rejected),
        (403, Rejected, Rejected),
        (404, NotFound, NotFound),
        (408, Unavailable, OutcomeUnknown),
        (409, Conflict, Conflict),
        (422, Rejected, Rejected),
        (429, Unavailable, Unavailable),
        (500, Unavailable, OutcomeUnknown),
        (501, Rejected, Rejected),
        (503, Unavailable, OutcomeUnknown),
        (504, Unavailable, OutcomeUnknown),
    ],
)
def test_each_status_has_one_meaning(
    code: int, on_read: type[FirebreakError], on_write: type[FirebreakError]
) -> None:
    """Stop or retry; and for a write, whether it may have landed."""
    with _canned(lambda _: (code, {}, _status(code, message="said so"))) as cluster:
        with pytest.raises(on_read, match=f"{code} said so") as read:
            cluster.get("Pod", "shop", "p")
        with pytest.raises(on_write) as written:
            cluster.patch(Place("Deployment", "shop", "d"), Patch({}, MERGE_PATCH))
    assert type(read.value) is on_read
    assert type(written.value) is on_write


def test_what_the_server_says_is_redacted_and_short() -> None:
    """A 422 quotes the object that it rejects."""
    message = "spec.env: Invalid value: password=hunter2-secret " + "x" * 5000
    with (
        _canned(lambda _: (422, {}, _status(422, message=message))) as cluster,
        pytest.raises(Rejected) as rejected,
    ):
        cluster.get("Pod", "shop", "p")
    assert "hunter2" not in rejected.value.message
    assert len(rejected.value.message) < 400
    assert rejected.value.__cause__ is None


def test_a_pause_that_the_server_asks_for_is_bounded() -> None:
    """An hour's Retry-After is a minute's."""
    with (
        _canned(lambda _: (503, {"Retry-After": "3600"}, b"")) as cluster,
        pytest.raises(Unavailable) as unavailable,
    ):
        cluster.get("Pod", "shop", "p")
    assert unavailable.value.after_seconds == 60


@pytest.mark.parametrize(
    "reply",
    [
        (200, {"Content-Length": "500"}, b'{"kind": '),
        (200, {}, b"<html>a proxy's page</html>"),
        (200, {}, b"[]"),
    ],
)
def test_an_answer_that_cannot_be_read_leaves_a_write_unknown(reply: Reply) -> None:
    """Cut off, or not from the API server at all."""
    with _canned(lambda _: reply) as cluster:
        with pytest.raises(OutcomeUnknown):
            cluster.patch(Place("Deployment", "shop", "d"), Patch({}, MERGE_PATCH))
        with pytest.raises(Unavailable):
            cluster.get("Pod", "shop", "p")


def test_logs_that_are_no_utf8_are_shown_all_the_same() -> None:
    """A core dump in a log must not end the look."""
    with _canned(lambda _: (200, {}, b"before \xff\xfe after\n")) as cluster:
        text = cluster.logs("shop", "p", "c", previous=False, lines=5)
    assert text == "before \ufffd\ufffd after\n"


def test_a_log_that_looks_like_json_stays_text() -> None:
    """The client's models would make a Python object of it."""
    with _canned(lambda _: (200, {"Content-Type": "application/json"}, b'{"a": 1}')) as cluster:
        assert cluster.logs("shop", "p", "c", previous=False, lines=5) == '{"a": 1}'


def test_a_list_is_read_to_its_last_page() -> None:
    """A page is no list."""

    def page(path: str) -> Reply:
        number = 2 if "continue=more" in path else 1
        more = {"continue": "more"} if number == 1 else {}
        return 200, {}, json.dumps({"metadata": more, "items": [{"page": number}]}).encode()

    with _canned(page) as cluster:
        assert cluster.list_all("Pod", "shop") == [{"page": 1}, {"page": 2}]


def test_a_list_without_end_is_refused() -> None:
    """A part never passes for the whole."""
    body = json.dumps({"metadata": {"continue": "more"}, "items": []}).encode()
    with (
        _canned(lambda _: (200, {}, body)) as cluster,
        pytest.raises(Unavailable, match=str(PAGES_MAX * PAGE_ITEMS)),
    ):
        cluster.list_all("Pod", "shop")


def test_a_dropped_connection_is_not_tried_again_behind_our_back(broken: Shop) -> None:
    """The client's own default would send even some writes again."""
    broken.server.faults.add(Fault("get", "deployments", times=1, kind="reset_before_commit"))
    with pytest.raises(Unavailable, match="no usable answer"):
        broken.cluster.get("Deployment", "shop", "user-auth")
    assert broken.server.faults.pending() == 0


def test_requests_carry_our_name(broken: Shop) -> None:
    """The audit log and the fields' manager tell our writes from a person's."""
    broken.ensure_rollback(broken.plan_rollback())
    record = next(r for r in reversed(broken.server.requests()) if r.verb == "patch")
    assert record.field_manager == "firebreak"
    assert record.user_agent.startswith("firebreak/")


def test_a_kubeconfig_that_is_missing_is_a_clear_error(tmp_path: Path) -> None:
    """With what to set."""
    with pytest.raises(InvalidInput, match="cannot be used") as invalid:
        open_cluster(tmp_path / "nowhere", None)
    assert "FIREBREAK_KUBECONFIG" in invalid.value.fix


def test_a_context_that_is_missing_is_a_clear_error(shop: Shop) -> None:
    """Not silently the current one."""
    with pytest.raises(InvalidInput, match="cannot be used"):
        open_cluster(shop.kubeconfig, "production")


def test_without_a_kubeconfig_it_must_run_in_a_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    """And says so elsewhere."""
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(InvalidInput, match="this process's own cluster"):
        open_cluster(None, None)


def test_the_current_context_has_a_name_in_commands(shop: Shop) -> None:
    """People paste the commands; the context must be the one that was used."""
    cluster = open_cluster(shop.kubeconfig, None)
    assert cluster.context == "sandbox"
    cluster.close()


def test_every_step_of_the_contract_has_its_activities() -> None:
    """And no activity is left over."""
    names = {name_of(a) for a in all_activities({}, Shelf(), Brakes(Switches(), Sky()))}
    steps = [
        member
        for member in vars(kubernetes).values()
        if isinstance(member, type) and issubclass(member, Step) and hasattr(member, "activity")
    ]
    actions = {s.activity for s in steps if issubclass(s, Action)}
    others = {s.activity for s in steps} - actions
    wanted = {f"{a}.{part}" for a in actions for part in ("plan", "ensure")} | others
    assert names == wanted | {calls.OWNER}


def name_of(function: Callable[..., Any]) -> str | None:
    """The name under which Temporal knows an activity."""
    definition = activity._Definition.from_callable(function)
    return definition.name if definition else None


def test_the_real_books_fit(tmp_path: Path) -> None:
    """The type checker reads this: Journal, Pauses and WeatherWatch are what is asked for."""
    engine = open_engine(f"sqlite:///{tmp_path}/books.db")
    brakes = Brakes(Pauses(engine), WeatherWatch(Storms(engine), Limits()))
    assert all_activities({}, Journal(engine), brakes)
    engine.dispose()
