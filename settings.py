"""What the process is told by its environment, and the policy file; read once, by the roots.

Nothing but a composition root and `gateway/app.py` imports this module, and nothing here runs at
import. Secrets come from the environment or from files, are held as `SecretStr`, and never enter
an error message.
"""

import difflib
import logging
import os
import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args
from zoneinfo import available_timezones

from pydantic import (
    BaseModel,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict
from pythonjsonlogger.json import JsonFormatter

from contracts.errors import InvalidInput
from contracts.people import people_faults
from contracts.policy import Policy, Service
from contracts.redact import RedactingFilter

PREFIX = "FIREBREAK_"
SECRET_CHARS_MIN = 32
_TOKEN_CHARS = 64
_CHANNEL = re.compile(r"[CG][A-Z0-9]{2,}")
_CHANNEL_WANTED = "write the channel's id, C… or G…, from its details in Slack; not its name"
# What to write, where the library would only name the pattern that does not match.
_WANTED = {
    "slack.channel": _CHANNEL_WANTED,
    "slack.team": "write the workspace's id, T…, as `firebreak doctor` tells it",
    "slack_api_url": "write https://…/ with the stroke at its end",
}


def _state_folder() -> Path:
    return Path.home() / ".local" / "state" / "firebreak"


def _sqlite_url(data: dict[str, Any]) -> str:
    return f"sqlite:///{data['state'] / 'firebreak.db'}"


def _local_url(data: dict[str, Any]) -> str:
    return f"http://{data['host']}:{data['port']}"


class Settings(BaseSettings):
    """One value for each `FIREBREAK_<NAME>` of the environment; times in seconds, sizes in one."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", hide_input_in_errors=True
    )

    temporal_address: str = "127.0.0.1:7233"
    """Host and port of Temporal's frontend. The default is where a dev server listens."""

    temporal_namespace: str = Field(default="default", min_length=1)
    """Temporal's namespace. One Firebreak owns it: two would share incidents."""

    temporal_api_key: SecretStr | None = None
    """The key for Temporal Cloud. None by default: a server of one's own has none."""

    temporal_tls: bool = Field(default_factory=lambda data: bool(data["temporal_api_key"]))
    """Whether to speak TLS to Temporal. True by default exactly when there is a key to protect."""

    temporal_binary: Path | None = None
    """The `temporal` program for `up` and `demo`. By default it is looked for."""

    state: Path = Field(default_factory=_state_folder)
    """The folder for what `up` keeps, `~/.local/state/firebreak` by default; survives restarts."""

    database_url: str = Field(default_factory=_sqlite_url, repr=False)
    """The books: `sqlite:///PATH` or `postgresql+psycopg://…`. By default SQLite in `state`. Not
    shown by `repr`, because it may hold a password."""

    config: Path = Path("firebreak.toml")
    """The policy file. Relative to where the process starts by default."""

    runbooks: str = ""
    """The folders of your own runbooks, separated like those of PATH. Empty by default: only the
    runbooks that ship are served."""

    kubeconfig: Path | None = None
    """Contexts of the clusters. None by default: the pod's service account, if there is one."""

    host: str = "127.0.0.1"
    """The gateway's address. Loopback by default: being reachable is a decision."""

    port: int = Field(default=8080, ge=0, le=65535)
    """The gateway's port. 0 takes a free one."""

    public_url: str = Field(default_factory=_local_url, pattern=r"^https?://[^\s/]+(/[^\s]*)?$")
    """Where people reach the gateway; links in messages begin with it. By default host and port."""

    session_secret: SecretStr | None = None
    """Signs session cookies, 32 characters at least. Without it one is made at each start, which
    signs everybody out and allows only one gateway."""

    webhook_url: SecretStr | None = None
    """Where each revision of an incident is posted. None by default: nothing is sent."""

    webhook_token: SecretStr | None = None
    """The bearer token of that webhook."""

    slack_bot_token: SecretStr | None = None
    """The bot's token (`xoxb-…`). None by default: nothing is posted to Slack."""

    slack_app_token: SecretStr | None = None
    """The app-level token (`xapp-…`) for Socket Mode, with the scope `connections:write`."""

    slack_signing_secret: SecretStr | None = None
    """Proves that a request to `/slack/events` is Slack's. For Slack over HTTP only."""

    slack_api_url: str = Field(default="https://slack.com/api/", pattern=r"^https?://\S+/$")
    """Where Slack's methods are. Another address only for a stand-in, such as the demo's."""

    pagerduty_routing_key: SecretStr | None = None
    """The integration key of PagerDuty's Events API v2. None by default: nobody is paged there."""

    pagerduty_events_url: str = Field(
        default="https://events.pagerduty.com/v2/enqueue", pattern=r"^https?://\S+$"
    )
    """Where PagerDuty's events go."""

    pagerduty_token: SecretStr | None = None
    """The key for PagerDuty's REST API, to read who is on call. None by default."""

    pagerduty_api_url: str = Field(
        default="https://api.pagerduty.com", pattern=r"^https?://\S+[^/]$"
    )
    """Where PagerDuty's REST API is."""

    prometheus_token: SecretStr | None = None
    """The bearer token for the Prometheus servers of the policy. None by default."""

    worker_threads: int = Field(default=16, ge=1, le=200)
    """Activities at once in one worker; the database's pool is sized for 16."""

    metrics_port: int | None = Field(default=None, ge=1, le=65535)
    """Where a worker shows its Prometheus metrics. None by default: the gateway has `/metrics`."""

    metrics_host: str = "127.0.0.1"
    """The address of that port. Loopback by default: the metrics need no token."""

    log_format: Literal["json", "text"] = "json"
    """`json`, one object a line, for machines; `text` for a person's terminal."""

    @property
    def runbook_folders(self) -> tuple[Path, ...]:
        """The folders of `runbooks`."""
        return tuple(Path(name) for name in self.runbooks.split(os.pathsep) if name)

    @field_validator(
        "slack_bot_token",
        "slack_app_token",
        "slack_signing_secret",
        "pagerduty_routing_key",
        "pagerduty_token",
        mode="before",
    )
    @classmethod
    def _empty_is_not_set(cls, value: object) -> object:
        return None if isinstance(value, str) and not value.strip() else value

    @model_validator(mode="after")
    def _fits_together(self) -> "Settings":
        if self.temporal_api_key and not self.temporal_tls:
            raise ValueError("temporal_api_key would travel in clear; set FIREBREAK_TEMPORAL_TLS=1")
        secret = self.session_secret
        if secret and len(secret.get_secret_value()) < SECRET_CHARS_MIN:
            raise ValueError(
                f"session_secret is shorter than {SECRET_CHARS_MIN} characters; make one with "
                "`python -c 'import secrets; print(secrets.token_urlsafe(48))'`"
            )
        url = self.webhook_url
        if url and not url.get_secret_value().startswith(("http://", "https://")):
            raise ValueError("webhook_url needs to begin with https:// (or http://)")
        if self.slack_app_token and not self.slack_bot_token:
            raise ValueError("slack_app_token is set but slack_bot_token is not; set both")
        if self.slack_signing_secret and not self.slack_bot_token:
            raise ValueError("slack_signing_secret is set but slack_bot_token is not; set both")
        if self.webhook_token and not url:
            raise ValueError("webhook_token is set but webhook_url is not; set both or neither")
        return self


def read_settings(**given: Any) -> Settings:
    """The settings; `given` (from the command line) beats the environment.

    `FIREBREAK_SECRETS_DIR` may name a folder with one file for each setting, named like it
    (`FIREBREAK_SESSION_SECRET`), as Kubernetes mounts a Secret.

    Raises:
        InvalidInput: a value cannot be used; the text names it and never shows it.

    """
    folder = os.environ.get(f"{PREFIX}SECRETS_DIR")
    if folder is not None and not Path(folder).is_dir():
        fix = f"Mount the folder there, or unset {PREFIX}SECRETS_DIR."
        raise InvalidInput(f"{PREFIX}SECRETS_DIR: there is no folder {folder}", fix)
    try:
        return Settings(_secrets_dir=folder, **given)
    except ValidationError as err:
        fix = "Correct it in the environment; docs/reference/settings.md lists every setting."
        raise InvalidInput("; ".join(_settings_faults(err)), fix) from None


def _settings_faults(err: ValidationError) -> Iterator[str]:
    for fault in err.errors(include_input=False, include_url=False, include_context=False):
        name = PREFIX + str(fault["loc"][0]).upper() if fault["loc"] else "settings"
        yield f"{name}: {_wanted(fault)}"


def _wanted(fault: Mapping[str, Any]) -> str:
    """What to write instead, as well as that is known."""
    key = ".".join(map(str, fault["loc"]))
    told = _WANTED.get(key) if fault["type"] == "string_pattern_mismatch" else None
    return told or str(fault["msg"]).removeprefix("Value error, ")


def read_policy(path: Path) -> Policy:
    """The policy file, checked as a whole.

    Raises:
        InvalidInput: the file is missing, is not TOML, or holds something that would not do what
            it says: an unknown key, a person who is not defined, a time without a zone. The text
            names the file, each fault's key and what to write.

    """
    data = _toml(path)
    faults = list(_unknown_keys(Policy, data, ""))
    policy = None
    try:
        policy = Policy.model_validate(data)
    except ValidationError as err:
        faults += _policy_faults(err)
    if policy is not None:
        faults += _contradictions(policy)
    if policy is None or faults:
        fix = f"Correct {path}; deploy/firebreak.example.toml explains every key."
        raise InvalidInput(f"{path}: {'; '.join(faults)}", fix)
    return policy


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as err:
        fix = "Copy deploy/firebreak.example.toml there, or set FIREBREAK_CONFIG."
        raise InvalidInput(f"{path}: cannot be read ({err.strerror})", fix) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
        raise InvalidInput(f"{path}: not TOML: {err}", f"Correct {path} at that place.") from None


def _policy_faults(err: ValidationError) -> Iterator[str]:
    for fault in err.errors(include_input=False, include_url=False, include_context=False):
        key = ".".join(map(str, fault["loc"]))
        yield f"{key}: {_wanted(fault)}".removeprefix(": ")


def _unknown_keys(model: type[BaseModel], data: Mapping[str, Any], at: str) -> Iterator[str]:
    """Contracts ignore what they do not know; in a policy that would be a rule not in force."""
    for key, value in data.items():
        field = model.model_fields.get(key)
        if field is None:
            near = difflib.get_close_matches(key, model.model_fields, n=1)
            hint = f"write {near[0]}" if near else f"known: {', '.join(model.model_fields)}"
            yield f"{at}{key}: there is no such key ({hint})"
            continue
        inner = next(_models(field.annotation), None)
        if inner is not None:
            for place, table in _tables(value, by_name=key == "runbooks"):
                yield from _unknown_keys(inner, table, f"{at}{key}{place}.")


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models inside `tuple[Model, ...]`, `dict[str, Model]`, `Model | None`, `Model`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)


def _tables(value: Any, *, by_name: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    found: Iterable[tuple[str, Any]] = [("", value)]
    if isinstance(value, list):
        found = ((f".{index}", item) for index, item in enumerate(value))
    elif by_name and isinstance(value, dict):
        found = ((f".{name}", item) for name, item in value.items())
    yield from ((place, item) for place, item in found if isinstance(item, dict))


def _contradictions(policy: Policy) -> Iterator[str]:
    for service in policy.services:
        yield from _service_faults(service, policy)
    for source in policy.sources:
        if source.cluster and source.cluster not in policy.clusters:
            yield f"sources.{source.name}.cluster: '{source.cluster}' is not among clusters"
    yield from _prometheus_faults(policy)
    yield from _runbook_faults(policy)
    yield from people_faults(policy)
    yield from _token_faults(policy)
    yield from _time_faults(policy)


def _service_faults(service: Service, policy: Policy) -> Iterator[str]:
    at = f"services.{service.name}"
    if service.target and service.target.cluster not in policy.clusters:
        yield f"{at}.target.cluster: '{service.target.cluster}' is not among clusters"
    if not service.matchers and service.target is None:
        yield f"{at}: needs matchers or a target, or it means nothing"
    if service.channel and not _CHANNEL.fullmatch(service.channel):
        yield f"{at}.channel: {_CHANNEL_WANTED}"


def _prometheus_faults(policy: Policy) -> Iterator[str]:
    for cluster, url in policy.prometheus.items():
        if cluster not in policy.clusters:
            yield f"prometheus.{cluster}: '{cluster}' is not among clusters"
        if not url.startswith(("http://", "https://")):
            yield f"prometheus.{cluster}: begin the URL with https:// (or http://)"


def _runbook_faults(policy: Policy) -> Iterator[str]:
    known = {service.name for service in policy.services}
    for name, allowed in policy.runbooks.items():
        for service in sorted(set(allowed.services) - known):
            yield f"runbooks.{name}.services: there is no service '{service}' under [[services]]"


def _token_faults(policy: Policy) -> Iterator[str]:
    owners = [
        *((f"people.{person.id}", person.token_sha256) for person in policy.people),
        *((f"sources.{source.name}", source.token_sha256) for source in policy.sources),
    ]
    seen = Counter(token for _, tokens in owners for token in tokens)
    for owner, tokens in owners:
        if any(not _is_sha256(token) for token in tokens):
            yield f"{owner}.token_sha256: write the 64 hexadecimal digits that `sha256sum` prints"
        if any(seen[token] > 1 for token in tokens):
            yield f"{owner}.token_sha256: the same token stands twice; give everybody their own"


def _is_sha256(text: str) -> bool:
    return len(text) == _TOKEN_CHARS and set(text) <= set("0123456789abcdef")


def _time_faults(policy: Policy) -> Iterator[str]:
    for freeze in policy.freezes:
        at = f"freezes.{freeze.name}"
        if freeze.begins.tzinfo is None or freeze.ends.tzinfo is None:
            yield f"{at}: a time needs a zone, e.g. 2026-12-20T00:00:00Z"
        elif freeze.begins >= freeze.ends:
            yield f"{at}: it ends before it begins"
    zones = {f"people.{person.id}": person.timezone for person in policy.people}
    zones |= {f"oncall.{one.name}": one.timezone for one in policy.oncall if one.timezone}
    known = available_timezones()
    for at, zone in (zones | {"toil": policy.toil.timezone}).items():
        if zone not in known:
            yield f"{at}.timezone: '{zone}' is no IANA time zone, e.g. Europe/Berlin"


def configure_logging(log_format: str, level: int = logging.INFO) -> None:
    """Send log records of that level on to standard error, one JSON object a line or as text."""
    handler = logging.StreamHandler()
    if log_format == "json":
        handler.setFormatter(JsonFormatter("%(levelname)s %(name)s %(message)s", timestamp=True))
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s"))
    handler.addFilter(RedactingFilter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in ("httpx", "alembic", "uvicorn.access"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
