"""The command line's way in: the same routes as everybody's, as Python methods.

Answers are JSON as the API gives them; a refusal is raised as the error of `contracts.errors`
that it was, so that a command only has to know the tree.
"""

from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

from contracts.errors import (
    AlreadyDecided,
    Expired,
    FirebreakError,
    InvalidInput,
    NotAllowed,
    NotFound,
    PlanChanged,
    ReasonMissing,
    Rejected,
    Unavailable,
)
from gateway.errors import NotRecorded, Unauthenticated

TIMEOUT_SECONDS = 15.0
_BY_STATUS: dict[int, type[FirebreakError]] = {
    400: InvalidInput,
    422: InvalidInput,
    503: Unavailable,
}
_BY_CODE: dict[str, type[FirebreakError]] = {
    kind.code: kind
    for kind in (
        AlreadyDecided,
        Expired,
        InvalidInput,
        NotAllowed,
        NotFound,
        NotRecorded,
        PlanChanged,
        ReasonMissing,
        Rejected,
        Unauthenticated,
        Unavailable,
    )
}


class Api:
    """A signed-in client of one gateway. Every method raises `Unavailable` when it is away."""

    def __init__(self, url: str, token: str, transport: httpx.BaseTransport | None = None) -> None:
        self.url = url.rstrip("/")
        self._http = httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            timeout=TIMEOUT_SECONDS,
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def incidents(self, **filters: str | int | None) -> dict[str, Any]:
        """A page of incidents: `status`, `team`, `fingerprint`, `since`, `limit`, `cursor`."""
        return self._get("/incidents", filters)

    def incident(self, incident: str) -> dict[str, Any]:
        """One incident with its timeline."""
        return self._get(f"/incidents/{quote(incident, safe='')}")

    def run(self, body: dict[str, Any], key: str | None = None) -> dict[str, Any]:
        """Start a runbook: `runbook`, `target`, `cluster`, `params`, `dry_run`."""
        return self._send("POST", "/incidents", body, key)

    def take_over(self, incident: str, reason: str = "") -> dict[str, Any]:
        """Do it by hand from now on."""
        return self._act(incident, "take-over", reason)

    def hand_back(self, incident: str, reason: str = "") -> dict[str, Any]:
        """End a take-over."""
        return self._act(incident, "hand-back", reason)

    def close_incident(self, incident: str, reason: str = "") -> dict[str, Any]:
        """End an incident by hand."""
        return self._act(incident, "close", reason)

    def _act(self, incident: str, action: str, reason: str) -> dict[str, Any]:
        path = f"/incidents/{quote(incident, safe='')}/{action}"
        return self._send("POST", path, {"reason": reason})

    def runbooks(self) -> dict[str, Any]:
        """All that is served, with figures, and the files that could not be loaded."""
        return self._get("/runbooks")

    def runbook(self, name: str) -> dict[str, Any]:
        """One runbook; raises NotFound when it is not served."""
        return self._get(f"/runbooks/{quote(name, safe='')}")

    def approvals(self, state: str | None = None) -> dict[str, Any]:
        """The newest approvals, newest first."""
        return self._get("/approvals", {"state": state})

    def approval(self, approval: str) -> dict[str, Any]:
        """One approval."""
        return self._get(f"/approvals/{quote(approval, safe='')}")

    def decide(
        self, approval: str, decision: str, reason: str = "", digest: str | None = None
    ) -> dict[str, Any]:
        """Answer `approve` or `deny`; returns the approval as it stands now."""
        body = {"decision": decision, "reason": reason, "digest": digest}
        return self._send("POST", f"/approvals/{quote(approval, safe='')}/decision", body)

    def pauses(self) -> dict[str, Any]:
        """The kill switches that are on."""
        return self._get("/pause")

    def pause(self, scope: str, reason: str) -> dict[str, Any]:
        """Switch one on."""
        return self._send("PUT", "/pause", {"scope": scope, "reason": reason})

    def resume(self, scope: str) -> dict[str, Any]:
        """Switch one off."""
        return self._request("DELETE", "/pause", params={"scope": scope})

    def log(self, entry: dict[str, Any], key: str | None = None) -> dict[str, Any]:
        """Log work by hand: `seconds`, `text`, `service`, `category`, `occurred_at`."""
        return self._send("POST", "/toil/entries", entry, key)

    def start_stopwatch(self, work: dict[str, Any]) -> dict[str, Any]:
        """Measure work that begins now: `text`, `service`, `incident`."""
        return self._send("POST", "/toil/start", work)

    def stop_stopwatch(self, key: str | None = None) -> dict[str, Any]:
        """End the measuring; the entry that was posted."""
        return self._send("POST", "/toil/stop", {}, key)

    def me(self, since: str | None = None, until: str | None = None) -> dict[str, Any]:
        """One's own observations, sessions and entries."""
        return self._get("/toil/me", {"from": since, "to": until})

    def toil_report(self, **which: str | int | None) -> dict[str, Any]:
        """The toil report: `team`, `weeks`, `until`."""
        return self._get("/reports/toil.json", which)

    def ready(self) -> dict[str, Any]:
        """Which parts serve; does not raise when one does not."""
        body = self._response("GET", "/readyz").json()
        return dict(body)

    def _get(self, path: str, query: dict[str, Any] | None = None) -> dict[str, Any]:
        given = {name: value for name, value in (query or {}).items() if value is not None}
        return self._request("GET", path, params=given)

    def _send(
        self, method: str, path: str, body: dict[str, Any], key: str | None = None
    ) -> dict[str, Any]:
        given = {name: value for name, value in body.items() if value is not None}
        headers = {"Idempotency-Key": key} if key else {}
        return self._request(method, path, json=given, headers=headers)

    def _request(self, method: str, path: str, **what: Any) -> dict[str, Any]:
        response = self._response(method, path, **what)
        if not response.is_success:
            raise _error(response)
        return _object(response)

    def _response(self, method: str, path: str, **what: Any) -> httpx.Response:
        try:
            return self._http.request(method, path, **what)
        except httpx.HTTPError as err:
            fix = "Check FIREBREAK_URL, and that `firebreak up` or the gateway runs."
            raise Unavailable(f"the gateway at {self.url} cannot be reached", fix) from err


def _object(response: httpx.Response) -> dict[str, Any]:
    fix = "Check that FIREBREAK_URL is a Firebreak gateway's address."
    try:
        body = response.json()
    except ValueError as err:
        raise Rejected(f"HTTP {response.status_code} without JSON", fix) from err
    if not isinstance(body, dict):
        raise Rejected(f"HTTP {response.status_code} without a JSON object", fix)
    return body


def _error(response: httpx.Response) -> FirebreakError:
    told = _object(response).get("error")
    error = told if isinstance(told, dict) else {}
    known = _BY_CODE.get(str(error.get("code")))
    kind = known or _BY_STATUS.get(response.status_code, Rejected)
    message = str(error.get("message") or f"HTTP {response.status_code}")
    made = kind(message, str(error["fix"]) if error.get("fix") else None)
    made.code = str(error.get("code") or kind.code)
    return made
