"""PromQL against Debian's real Prometheus, which scrapes itself."""

import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from endtoend.programs import program
from prometheus_fakes import Checked, http_fixture, look

from activities.prometheus import Prometheus
from contracts.errors import Rejected, Unavailable
from contracts.signals import quoted
from devserver import free_port

__all__ = ["http_fixture"]
START_SECONDS = 30


@pytest.fixture(scope="module", name="real")
def _real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Debian's Prometheus, which scrapes itself; ended by its own handle."""
    folder: Path = tmp_path_factory.mktemp("prometheus")
    port = free_port()
    (folder / "prometheus.yml").write_text(
        "global: {scrape_interval: 200ms, scrape_timeout: 200ms}\n"
        "scrape_configs:\n"
        f'  - {{job_name: self, static_configs: [{{targets: ["127.0.0.1:{port}"]}}]}}\n'
    )
    command = [
        str(program("prometheus")),
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/tsdb",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "log").open("wb") as log:
        started = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            _wait_for_up(f"http://127.0.0.1:{port}", folder / "log")
            yield f"http://127.0.0.1:{port}"
        finally:
            started.terminate()
            started.wait(START_SECONDS)


def _wait_for_up(url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    with httpx.Client() as client:
        prometheus = Prometheus({"lab": url}, client)
        while time.monotonic() < deadline:
            try:
                answer = prometheus.ask("lab", "up")
            except Unavailable:
                answer = None
            if answer and answer.series and answer.series[0].number == 1:
                return
            threading.Event().wait(0.05)
    pytest.fail(f"Prometheus did not scrape itself within {START_SECONDS} s: {log.read_text()}")


def test_the_real_one_answers(real: str, http: httpx.Client) -> None:
    """A vector, a scalar, nothing, and NaN."""
    prometheus = Prometheus({"lab": real}, http)
    job = quoted("self")
    assert look(prometheus, f"up{{job={job}}}")[0].facts["value"] == 1.0
    assert look(prometheus, "scalar(vector(42))")[0].facts["value"] == 42.0
    assert look(prometheus, "up{job='no\"body'}")[0].facts["series"] == []
    assert look(prometheus, "vector(0) / 0")[0].facts["value"] is None


def test_the_real_one_refuses_with_its_own_sentence(real: str, http: httpx.Client) -> None:
    """A syntax error, a range, and a join that cannot be."""
    prometheus = Prometheus({"lab": real}, http)
    with pytest.raises(Rejected, match="parse error"):
        look(prometheus, "up{")
    with pytest.raises(Rejected, match="gives a matrix"):
        look(prometheus, "up[1m]")
    with pytest.raises(Rejected, match="duplicate series"):
        look(prometheus, 'prometheus_http_requests_total * on(job) {__name__=~"prom.*_total"}')


@pytest.mark.parametrize("value", ['a"b', "a\\b", "a\nb", "ä{}"])
def test_a_quoted_label_stays_one_string_on_the_real_one(
    real: str, http: httpx.Client, value: str
) -> None:
    """Alerts are text of other programs."""
    query = f'label_replace(vector(1), "x", {quoted(value)}, "", "")'
    evidence, _ = look(Prometheus({"lab": real}, http), query)
    assert evidence.facts["series"][0]["labels"] == {"x": value}


def test_the_real_one_is_below_for_a_while(real: str, http: httpx.Client) -> None:
    """And not below what it is not below."""
    assert Checked(Prometheus({"lab": real}, http)).run(1.5, steady_seconds=20).ok
    assert not Checked(Prometheus({"lab": real}, http)).run(1.0).ok
