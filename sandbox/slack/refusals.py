"""How the stand-in says no: Slack's error code, and what Slack adds to it."""

from typing import Any

JSON = dict[str, Any]


class Refusal(Exception):
    """An answer with `"ok": false`; `code` is Slack's, `extra` further keys of the answer."""

    def __init__(self, code: str, **extra: Any) -> None:
        super().__init__(code)
        self.code = code
        self.extra = extra

    def body(self) -> JSON:
        """The answer as Slack writes it."""
        return {"ok": False, "error": self.code, **self.extra}


def refused(code: str, *messages: str) -> Refusal:
    """A refusal whose `response_metadata.messages` say where the fault is."""
    told = [f"[ERROR] {message}" for message in messages]
    return Refusal(code, errors=list(messages), response_metadata={"messages": told})


class NotOnScreen(LookupError):
    """A person was to touch something that Slack does not show them."""
