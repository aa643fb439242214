"""The names under which Slack hands back what people did. They are in messages that live for
years: a name is never given another meaning.
"""

APPROVE = "ap.approve"
DENY = "ap.deny"
DETAILS = "ap.details"
MORE = "ap.more"
AGAIN = "ap.again"
TAKE = "in.take_over"
OPEN_PREFIX = "link."
HOME_LOG = "home.log"

# The values of the overflow menu: `<word>|<incident id>`.
TAKE_OVER = "take_over"
PAGE = "page"

DENY_VIEW = "view.deny"
PAGE_VIEW = "view.page"
TAKE_OVER_VIEW = "view.take_over"
TOIL_VIEW = "view.toil"
DETAILS_VIEW = "view.details"

LOG_SHORTCUT = "toil.from_message"
TOIL_COMMAND = "/toil"
FIREBREAK_COMMAND = "/firebreak"

# Inputs of the views: block ids and the action id inside each.
REASON = "reason"
MINUTES = "minutes"
TEXT = "text"
SERVICE = "service"
PERSON = "person"
VALUE = "value"

# The metadata of every message: `event_payload` is {"key": the object's key in the journal}.
METADATA_EVENT = "firebreak_message"
