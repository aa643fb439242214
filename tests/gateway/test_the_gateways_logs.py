"""A gateway that plain `uvicorn` starts writes its logs through the redacting handler, too."""

import logging
import logging.config
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn.config

from contracts.redact import RedactingFilter
from gateway.app import UVICORN_LOGGERS, create_app
from toil.database import open_engine, upgrade


@pytest.fixture(name="loggers")
def _loggers() -> Iterator[None]:
    """As uvicorn's own command sets them up; put back afterwards."""
    names = ("", *UVICORN_LOGGERS)
    kept = [(logging.getLogger(n), logging.getLogger(n).__dict__.copy()) for n in names]
    handlers = [(log, list(log.handlers)) for log, _ in kept]
    logging.config.dictConfig(uvicorn.config.LOGGING_CONFIG)
    yield
    for log, values in kept:
        log.setLevel(values["level"])
        log.propagate = values["propagate"]
    for log, own in handlers:
        log.handlers[:] = own


@pytest.mark.usefixtures("loggers")
def test_every_logger_of_uvicorn_goes_through_the_filter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A secret in an address or a message is blank on standard error."""
    (tmp_path / "firebreak.toml").write_text("")
    url = f"sqlite:///{tmp_path / 'books.db'}"
    engine = open_engine(url)
    upgrade(engine)
    engine.dispose()
    monkeypatch.setenv("FIREBREAK_DATABASE_URL", url)
    monkeypatch.setenv("FIREBREAK_CONFIG", str(tmp_path / "firebreak.toml"))
    create_app()
    for name in UVICORN_LOGGERS:
        logging.getLogger(name).warning("%s GET /x?token=hunter2", name)
        assert logging.getLogger(name).handlers == []
    told = capsys.readouterr().err
    assert "hunter2" not in told
    assert all(f"{name} GET /x?token=[redacted]" in told for name in UVICORN_LOGGERS)
    (handler,) = logging.getLogger().handlers
    assert any(isinstance(part, RedactingFilter) for part in handler.filters)
