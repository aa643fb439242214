"""The environment as settings: defaults, bad values, and that no secret shows."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from contracts.errors import InvalidInput
from settings import PREFIX, Settings, read_settings

SECRET = "h7Gk29xQpLm41ZtY-h7Gk29xQpLm41ZtY"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(PREFIX + name.upper(), raising=False)
    monkeypatch.delenv(f"{PREFIX}SECRETS_DIR", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))


def test_a_laptop_needs_no_setting(tmp_path: Path) -> None:
    """Everything has a default that works on one machine and is reachable from nowhere else."""
    found = read_settings()
    assert found.host == "127.0.0.1"
    assert found.public_url == "http://127.0.0.1:8080"
    assert found.state == tmp_path / ".local/state/firebreak"
    assert found.database_url == f"sqlite:///{tmp_path}/.local/state/firebreak/firebreak.db"
    assert found.config == Path("firebreak.toml")
    assert (found.temporal_tls, found.temporal_api_key, found.webhook_url) == (False, None, None)


def test_defaults_follow_from_what_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """The books lie in the state folder, links lead to the port, a key goes over TLS."""
    monkeypatch.setenv("FIREBREAK_STATE", "/data")
    monkeypatch.setenv("FIREBREAK_PORT", "9000")
    monkeypatch.setenv("FIREBREAK_TEMPORAL_API_KEY", SECRET)
    found = read_settings()
    assert found.database_url == "sqlite:////data/firebreak.db"
    assert found.public_url == "http://127.0.0.1:9000"
    assert found.temporal_tls


def test_what_is_given_beats_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """An option of the command line is the last word."""
    monkeypatch.setenv("FIREBREAK_PORT", "9000")
    assert read_settings(port=9001).port == 9001


def test_secrets_may_lie_in_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A folder with one file for each, as Kubernetes mounts a Secret."""
    (tmp_path / "FIREBREAK_SESSION_SECRET").write_text(SECRET)
    monkeypatch.setenv("FIREBREAK_SECRETS_DIR", str(tmp_path))
    secret = read_settings().session_secret
    assert secret is not None
    assert secret.get_secret_value() == SECRET


def test_a_folder_of_secrets_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A forgotten mount must not start a process without its secrets."""
    monkeypatch.setenv("FIREBREAK_SECRETS_DIR", "/nowhere")
    with pytest.raises(InvalidInput, match="there is no folder /nowhere"):
        read_settings()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PORT", "eighty", "FIREBREAK_PORT: .*integer"),
        ("PORT", "70000", "FIREBREAK_PORT: .*65535"),
        ("WORKER_THREADS", "0", "FIREBREAK_WORKER_THREADS: "),
        ("METRICS_PORT", "0", "FIREBREAK_METRICS_PORT: "),
        ("LOG_FORMAT", "xml", "FIREBREAK_LOG_FORMAT: .*json"),
        ("PUBLIC_URL", "firebreak.test", "FIREBREAK_PUBLIC_URL: "),
        ("TEMPORAL_NAMESPACE", "", "FIREBREAK_TEMPORAL_NAMESPACE: "),
        ("SESSION_SECRET", "short", "session_secret is shorter than 32 .*token_urlsafe"),
        ("WEBHOOK_TOKEN", SECRET, "webhook_url is not"),
        ("SLACK_API_URL", "https://x.test/api", "FIREBREAK_SLACK_API_URL: .*stroke at its end"),
        ("WEBHOOK_URL", "hook.test/x", "webhook_url needs to begin with https://"),
    ],
)
def test_a_bad_value_is_named_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    """The start ends with the name of the variable and where to read on."""
    monkeypatch.setenv(f"FIREBREAK_{name}", value)
    with pytest.raises(InvalidInput, match=words) as caught:
        read_settings()
    assert "docs/reference/settings.md" in caught.value.fix


def test_an_empty_token_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line of a file that nobody has filled in is no Slack, rather than one that is refused."""
    for name in ("SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "PAGERDUTY_ROUTING_KEY"):
        monkeypatch.setenv(f"FIREBREAK_{name}", "")
    monkeypatch.setenv("FIREBREAK_SLACK_APP_TOKEN", "  ")
    found = read_settings()
    assert (found.slack_bot_token, found.slack_app_token) == (None, None)
    assert (found.slack_signing_secret, found.pagerduty_routing_key) == (None, None)


def test_a_key_in_clear_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever turns TLS off has to take the key away too."""
    monkeypatch.setenv("FIREBREAK_TEMPORAL_API_KEY", SECRET)
    monkeypatch.setenv("FIREBREAK_TEMPORAL_TLS", "0")
    with pytest.raises(InvalidInput, match="FIREBREAK_TEMPORAL_TLS=1") as caught:
        read_settings()
    assert SECRET not in str(caught.value)


def test_no_secret_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither when the settings are printed nor when one of them is wrong."""
    for name in ("TEMPORAL_API_KEY", "SESSION_SECRET", "WEBHOOK_TOKEN"):
        monkeypatch.setenv(f"FIREBREAK_{name}", SECRET)
    monkeypatch.setenv("FIREBREAK_WEBHOOK_URL", f"https://hook.test/{SECRET}")
    monkeypatch.setenv("FIREBREAK_DATABASE_URL", f"postgresql+psycopg://a:{SECRET}@db/x")
    assert SECRET not in f"{read_settings()!r} {read_settings()}"
    monkeypatch.setenv("FIREBREAK_PORT", SECRET)
    with pytest.raises(InvalidInput) as caught:
        read_settings()
    assert SECRET not in str(caught.value)


def test_settings_do_not_change() -> None:
    """They are read once; nobody passes state through them."""
    found = read_settings()
    with pytest.raises(ValidationError):
        found.port = 1  # type: ignore[misc]  # mypy knows it too
