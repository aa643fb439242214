"""The error tree. What a handler does depends only on the branch: stop, or try again.

    FirebreakError              has a code, a message, and `fix`: what the reader does next
    ├── Stop                    trying again is useless
    │   ├── InvalidInput        what was given cannot be used
    │   ├── NotFound            the object, incident or approval is not there
    │   ├── Refused             a guardrail said no
    │   ├── Paused              the kill switch is on
    │   ├── PlanChanged         the target is no longer what was planned or approved
    │   ├── Declined            a person said no
    │   ├── Expired             nobody answered in time
    │   ├── NotAllowed          this person may not do this
    │   ├── AlreadyDecided      the question is closed
    │   ├── ReasonMissing       a denial needs a reason
    │   ├── NoLongerNeeded      the alerts resolved before anybody decided
    │   ├── SchemaOutdated      the database is older than the code
    │   └── Rejected            another system refused for good (400, 403, 422, …)
    └── Retry                   may pass by itself; bounded retries
        ├── Unavailable         a system we need does not answer
        ├── OutcomeUnknown      a write was sent and no answer came: re-read before writing
        └── Busy                somebody else holds the lock

Errors of foreign libraries are translated into this tree at the edge (activities, doors).
"""


class FirebreakError(Exception):
    """The root. `code` is stable and goes to machines; the text and `fix` go to people."""

    code = "error"
    fix = "Read the log of the component that said so."

    def __init__(self, message: str, fix: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if fix is not None:
            self.fix = fix


class Stop(FirebreakError):
    """Trying again is useless."""

    code = "stopped"


class Retry(FirebreakError):
    """May pass by itself."""

    code = "retry"
    after_seconds: float | None = None


class InvalidInput(Stop):
    """What was given cannot be used."""

    code = "invalid"
    fix = "Correct the input and send it again."


class NotFound(Stop):
    """The object, incident or approval is not there."""

    code = "not_found"
    fix = "Check the name; it may have been deleted or closed."


class Refused(Stop):
    """A guardrail said no; the message carries its reasons."""

    code = "refused"
    fix = "Read the reasons; change the policy or handle the incident by hand."


class Paused(Refused):
    """The kill switch is on."""

    code = "paused"
    fix = "Resume with `firebreak resume` when it is safe, then run the runbook again."


class PlanChanged(Stop):
    """The target is no longer what was planned or approved; nothing was written."""

    code = "plan_changed"
    fix = "Look at the new plan and decide again."


class Declined(Stop):
    """A person said no."""

    code = "declined"
    fix = "Handle the incident by hand, or run the runbook again."


class Expired(Stop):
    """Nobody answered in time; nothing was written."""

    code = "expired"
    fix = "Run the runbook again if the alert still fires."


class NotAllowed(Stop):
    """The person may not do this."""

    code = "not_allowed"
    fix = "Ask one of the people named, or have your role changed in firebreak.toml."


class AlreadyDecided(Stop):
    """The question is closed."""

    code = "decided"
    fix = "Nothing to do; open the incident to see what happened."


class ReasonMissing(Stop):
    """A denial needs a reason, because the next person reads it."""

    code = "reason_missing"
    fix = "Say in a few words why not, and send it again."


class NoLongerNeeded(Stop):
    """The alerts resolved before anybody decided; nothing was written."""

    code = "no_longer_needed"
    fix = "Nothing to do; if the alert comes back, it is handled anew."


class SchemaOutdated(Stop):
    """The database is older (or newer) than the code."""

    code = "schema_outdated"
    fix = "Run `firebreak db upgrade` with this version, then start again."


class Rejected(Stop):
    """Another system refused for good."""

    code = "rejected"
    # Whether the same may pass when a person has changed something there.
    is_mendable = False
    fix = "Read the other system's answer; permissions or the object itself must change."


class Unavailable(Retry):
    """A system we need does not answer."""

    code = "unavailable"
    fix = "It is tried again by itself; if it lasts, check that the system is up and reachable."


class OutcomeUnknown(Retry):
    """A write was sent and no answer came: the next attempt re-reads before it writes."""

    code = "outcome_unknown"
    fix = "It is read again by itself."


class Busy(Retry):
    """Somebody else holds the lock on the target."""

    code = "busy"
    fix = "Wait until the other action has settled."


def _leaves(root: type[FirebreakError]) -> list[type[FirebreakError]]:
    return [root, *(leaf for child in root.__subclasses__() for leaf in _leaves(child))]


def error_named(name: str) -> type[FirebreakError] | None:
    """The class of that name, to rebuild an error that crossed a process boundary."""
    return next((error for error in _leaves(FirebreakError) if error.__name__ == name), None)
