"""How much Slack takes of everything that is sent here, in one place.

A number is Slack's own where Slack documents one, and ours where it is lower; nothing that is
rendered may exceed it. Characters are counted as Slack's clients do, in UTF-16 units.
"""

# A message, or a view.
MESSAGE_BLOCKS_MAX = 50
VIEW_BLOCKS_MAX = 100
VIEW_BYTES_MAX = 250_000
# Slack refuses a message of about 13 200 characters with `msg_blocks_too_long`.
MESSAGE_CHARS_MAX = 12_000
VIEW_CHARS_MAX = 60_000
# What a notification and a screen reader get; Slack advises 4000.
FALLBACK_CHARS_MAX = 600

# Blocks and what they hold.
HEADER_CHARS_MAX = 150
SECTION_CHARS_MAX = 3000
CONTEXT_ELEMENTS_MAX = 10
ACTIONS_ELEMENTS_MAX = 25
BUTTON_CHARS_MAX = 75
BUTTON_VALUE_CHARS_MAX = 2000
URL_CHARS_MAX = 3000
ID_CHARS_MAX = 255
OPTION_CHARS_MAX = 75
OPTION_VALUE_CHARS_MAX = 150
SELECT_OPTIONS_MAX = 100
OVERFLOW_OPTIONS_MAX = 5
LABEL_CHARS_MAX = 2000
PLACEHOLDER_CHARS_MAX = 150
INPUT_CHARS_MAX = 3000
VISIBLE_BUTTONS_MAX = 3

# The question before a click counts.
CONFIRM_TITLE_CHARS_MAX = 100
CONFIRM_TEXT_CHARS_MAX = 300
CONFIRM_BUTTON_CHARS_MAX = 30

# A modal.
TITLE_CHARS_MAX = 24
METADATA_CHARS_MAX = 3000

# Ours: how much of each thing a person reads before deciding. The page has all of it.
SUMMARY_CHARS_MAX = 200
NAME_CHARS_MAX = 80
PERSON_CHARS_MAX = 60
SENTENCE_CHARS_MAX = 300
COMMAND_CHARS_MAX = 1500
STATE_CHARS_MAX = 300
EXCERPT_CHARS_MAX = 700
REASON_CHARS_MAX = 500
ALERTS_MAX = 5
ALERTS_ASKED_MAX = 2
PEOPLE_MAX = 8
VOTES_MAX = 6
FINDINGS_MAX = 3
EVIDENCE_MAX = 2
REASONS_MAX = 4

# Ours, in the modal of the details.
DETAIL_COMMAND_CHARS_MAX = 6000
DETAIL_STATE_CHARS_MAX = 1500
DETAIL_EXCERPT_CHARS_MAX = 2400
DETAIL_FINDINGS_MAX = 30
DETAIL_EVIDENCE_MAX = 12
DETAIL_REASONS_MAX = 20
