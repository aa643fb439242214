"""The column types that make SQLite and PostgreSQL give back the same values.

SQLite has no time with a zone and PostgreSQL no NUL in a text; both differences end here. Nothing
else may convert times or clean text on its way into a table.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import BaseModel
from sqlalchemy import JSON, DateTime, Dialect, Text, TypeDecorator

from contracts.errors import InvalidInput

M = TypeVar("M", bound=BaseModel)
_NUL, _REPLACEMENT = "\x00", "\ufffd"


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime, stored and given back in UTC with microseconds."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Store UTC; a text of fixed width in SQLite, so that it sorts as time does."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise InvalidInput(f"{value} has no time zone", "Pass an aware datetime, e.g. in UTC.")
        utc = value.astimezone(UTC)
        return utc if dialect.name == "postgresql" else utc.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, _: Dialect) -> datetime | None:
        """Give back UTC, whatever zone the server's session has."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class PlainText(TypeDecorator[str]):
    """Text that a person or another system wrote, without what PostgreSQL refuses."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, _: Dialect) -> str | None:
        """Replace NUL and lone surrogates."""
        return None if value is None else clean(value)


class Json(TypeDecorator[Any]):
    """A JSON value; None is NULL."""

    impl = JSON(none_as_null=True)
    cache_ok = True


def clean(value: Any) -> Any:
    """The same value with every NUL and lone surrogate in its texts replaced."""
    if isinstance(value, str):
        return value.replace(_NUL, _REPLACEMENT).encode(errors="replace").decode()
    if isinstance(value, Mapping):
        return {clean(name): clean(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(item) for item in value]
    return value


def clean_model(model: M) -> M:
    """The same model with clean texts, so that what is compared or hashed is what is stored."""
    if "\\u0000" not in model.model_dump_json():
        return model
    return type(model).model_validate(clean(model.model_dump()))
