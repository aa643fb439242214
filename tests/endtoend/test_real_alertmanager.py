"""Real Prometheus and Alertmanager fire the seed's rule until the service is healed."""

import http.server
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from devserver import free_port
from endtoend.house import ANA_TOKEN, POLICY, SOURCE_TOKEN, STOP_SECONDS, House
from endtoend.programs import program
from sandbox.scenario import is_healthy

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(240)]

SERVICE = """
[[services]]
name = "user-auth"
team = "identity"
matchers = ['service="user-auth"']
target = { cluster = "default", namespace = "shop", kind = "Deployment", name = "user-auth" }
"""

RULES = """
groups:
  - name: user-auth
    interval: 500ms
    rules:
      - alert: HighUserAuthLatency
        expr: user_auth_latency_p99_seconds > 0.5
        for: 1s
        labels: {severity: critical}
        annotations: {summary: "Logins take {{ $value }} s."}
"""


def prometheus_config(exporter: int, alertmanager: int) -> str:
    """Scrapes the exporter twice a second and tells the Alertmanager."""
    return f"""
global: {{scrape_interval: 500ms, scrape_timeout: 400ms, evaluation_interval: 500ms}}
rule_files: [rules.yml]
alerting:
  alertmanagers:
    - static_configs: [{{targets: ["127.0.0.1:{alertmanager}"]}}]
scrape_configs:
  - job_name: user-auth
    static_configs: [{{targets: ["127.0.0.1:{exporter}"]}}]
"""


def alertmanager_config(url: str) -> str:
    """Sends everything to the gateway, quickly, with the source's token."""
    return f"""
route: {{receiver: firebreak, group_by: [alertname], group_wait: 0s, group_interval: 1s}}
receivers:
  - name: firebreak
    webhook_configs:
      - url: {url}/alerts/alertmanager
        send_resolved: true
        http_config: {{authorization: {{credentials: {SOURCE_TOKEN}}}}}
"""


class Exporter(http.server.ThreadingHTTPServer):
    """Shows a latency that is high while the deployment is sick."""

    def __init__(self, house: House) -> None:
        self.house = house
        super().__init__(("127.0.0.1", 0), Metrics)


class Metrics(http.server.BaseHTTPRequestHandler):
    """The exporter's one page."""

    server: Exporter

    def do_GET(self) -> None:
        """Answer one sample."""
        healthy = is_healthy(self.server.house.read("shop", "user-auth"))
        labels = '{namespace="shop",service="user-auth"}'
        body = f"user_auth_latency_p99_seconds{labels} {0.1 if healthy else 2.5}\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture(name="senders")
def _senders(house: House, tmp_path: Path) -> Iterator[None]:
    """Exporter, Prometheus and Alertmanager, each ended by its own handle."""
    exporter, ports = Exporter(house), (free_port(), free_port())
    threading.Thread(target=exporter.serve_forever, daemon=True).start()
    prometheus = prometheus_config(exporter.server_address[1], ports[1])
    (tmp_path / "prometheus.yml").write_text(prometheus)
    (tmp_path / "rules.yml").write_text(RULES)
    (tmp_path / "alertmanager.yml").write_text(alertmanager_config(house.url))
    commands = [
        [
            program("prometheus"),
            f"--config.file={tmp_path}/prometheus.yml",
            f"--storage.tsdb.path={tmp_path}/tsdb",
            f"--web.listen-address=127.0.0.1:{ports[0]}",
            "--rules.alert.resend-delay=1s",
        ],
        [
            program("prometheus-alertmanager"),
            f"--config.file={tmp_path}/alertmanager.yml",
            f"--storage.path={tmp_path}/alertmanager",
            f"--web.listen-address=127.0.0.1:{ports[1]}",
            "--cluster.listen-address=",
        ],
    ]
    log = (tmp_path / "senders.log").open("wb")
    started = [
        subprocess.Popen([str(word) for word in c], stdout=log, stderr=log) for c in commands
    ]
    yield
    for process in started:
        process.terminate()
        process.wait(STOP_SECONDS)
    log.close()
    exporter.shutdown()
    exporter.server_close()


@pytest.fixture(scope="module", name="policy")
def _policy() -> str:
    """The house's policy, and the service that the rule's labels mean."""
    return POLICY + SERVICE


async def test_from_the_rule_to_the_resolved_alert(
    house: House, request: pytest.FixtureRequest
) -> None:
    """Sick service, rule, Alertmanager, incident, approval, rollback, resolved, closed."""
    await house.break_deployment("shop", "user-auth")
    worker = house.worker()
    request.getfixturevalue("senders")

    approval = await house.open_approval("shop")
    assert approval["plan"]["summary"]
    await house.approve(approval)
    incident = await house.incident(approval["incident"], "closed")

    alerts = {alert["name"]: alert["status"] for alert in incident["alerts"]}
    assert alerts == {"HighUserAuthLatency": "resolved"}
    assert incident["outcome"] == "resolved"
    assert house.writes("shop") == 1
    page = await house.http.get(
        f"/incidents/{incident['id']}",
        headers={"Authorization": f"Bearer {ANA_TOKEN}", "Accept": "text/html"},
    )
    assert page.status_code == httpx.codes.OK
    assert "Logins take 2.5 s." in page.text
    house.end(worker)
