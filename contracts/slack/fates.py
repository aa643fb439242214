"""What each refusal of Slack means: the same call later, another way, or a person must act.

Every code that Slack documents for the methods used stands here by name, and so do a few that it
sends without documenting them: a code that nobody thought about must show up in a test, not at
night. A code that is not known is fatal for the message it answered, never for the next one.
"""

from enum import Enum


class Fate(Enum):
    """RETRY: the same call may succeed later. FALL_BACK: this call never will, and there is
    another way to the same end. FATAL: a person must change something first.
    """

    RETRY = "retry"
    FALL_BACK = "fall back"
    FATAL = "fatal"


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Slack may have done what was asked although it answered with one of these.
MAYBE_DONE = _words("fatal_error internal_error service_unavailable update_failed")

# The message is refused for how it looks: the same in plain words and without metadata may pass.
FORM = _words(
    """attachment_payload_limit_exceeded block_mismatch invalid_attachments invalid_blocks
    invalid_blocks_format invalid_metadata_format invalid_metadata_schema markdown_text_conflict
    metadata_must_be_sent_from_app metadata_too_large msg_blocks_too_long msg_too_long no_text
    too_many_attachments too_many_contact_cards"""
)

# The thread takes no answer: the channel itself may.
THREAD = _words(
    """cannot_reply_to_message restricted_action_non_threadable_channel
    restricted_action_thread_locked thread_not_found"""
)

# The message can be edited no more: its successor is posted anew.
GONE = _words(
    """cant_update_message channel_not_found edit_window_closed is_archived is_inactive
    message_not_found"""
)

_RETRY = """fatal_error internal_error org_login_required ratelimited request_timeout
    service_unavailable team_added_to_org"""
_ACCESS = """access_denied account_inactive accesslimited ekm_access_denied enterprise_is_restricted
    invalid_auth is_bot missing_scope no_permission not_allowed_token_type not_authed token_expired
    token_revoked two_factor_setup_required"""
# Only a fault of ours, or an older Slack than ours, is answered like this.
_CALL = """deprecated_endpoint invalid_arg_name invalid_arguments invalid_array_arg invalid_charset
    invalid_form_data invalid_post_type method_deprecated missing_post_type unknown_method"""
_PLACE = """channel_not_found is_archived message_limit_exceeded messages_tab_disabled
    not_in_channel restricted_action"""
_VIEW = "duplicate_external_id view_too_large"
_READING = """channel_is_limited_access channel_not_found invalid_metadata_filter_keys
    invalid_ts_latest invalid_ts_oldest method_not_supported_for_channel_type missing_scope
    no_permission not_in_channel thread_not_found"""

# By method: what is tried again, what has another way. The rest of the method's codes is fatal.
_ANOTHER_WAY: dict[str, str] = {
    "auth.test": "",
    "chat.getPermalink": f"channel_not_found message_not_found {_ACCESS} {_CALL}",
    "chat.postEphemeral": "cannot_reply_to_message channel_not_found is_archived not_in_channel "
    "restricted_action thread_not_found user_not_in_channel",
    "chat.postMessage": " ".join(FORM | THREAD),
    "chat.update": " ".join(FORM | GONE),
    "conversations.history": _READING,
    "conversations.open": "cannot_dm_bot invalid_user_combination missing_scope user_disabled "
    "user_not_found user_not_visible",
    "conversations.replies": _READING,
    "files.completeUploadExternal": "channel_not_found channels_limit_exceeded file_not_found "
    "file_type_not_allowed file_uploads_except_images_disabled invalid_blocks invalid_channel "
    f"is_archived not_in_channel posting_to_channel_denied {_ACCESS} {_CALL}",
    "files.getUploadURLExternal": "alt_txt_too_large file_type_not_allowed "
    "file_upload_size_restricted file_uploads_disabled file_uploads_except_images_disabled "
    "missing_argument snippet_too_large storage_limit_reached unknown_snippet_type "
    f"unknown_subtype {_ACCESS} {_CALL}",
    "usergroups.users.list": "no_such_subteam plan_upgrade_required",
    "users.info": "user_not_found user_not_visible",
    "views.open": f"exchanged_trigger_id expired_trigger_id invalid_trigger_id {_VIEW}",
    "views.publish": _VIEW,
    "views.update": f"hash_conflict not_found {_VIEW}",
}
_LATER: dict[str, str] = {
    "chat.postMessage": "rate_limited",
    "chat.update": "external_channel_migrating streaming_state_conflict update_failed",
    "conversations.history": "invalid_cursor",
    "conversations.replies": "invalid_cursor list_record_comment_fetch_failed",
    "files.completeUploadExternal": "file_update_failed",
    "usergroups.users.list": "invalid_cursor",
    "views.publish": "hash_conflict",
}
_NEVER: dict[str, str] = {
    "chat.postEphemeral": f"{' '.join(FORM)} message_limit_exceeded messages_tab_disabled",
    "chat.postMessage": f"""{_PLACE} app_access_restricted as_user_not_supported
    draft_already_deleted draft_already_sent draft_has_conflict draft_not_found
    duplicate_channel_not_found duplicate_message_not_found missing_file_data
    restricted_action_read_only_channel restricted_action_thread_only_channel
    send_on_behalf_not_allowed slack_connect_canvas_sharing_blocked
    slack_connect_file_link_sharing_blocked slack_connect_lists_sharing_blocked team_not_found""",
    "chat.update": """as_user_not_supported blocked_file_type cant_broadcast_message file_deleted
    file_is_deleted file_not_found file_share_limit_reached max_file_sharing_exceeded
    message_limit_exceeded no_dual_broadcast_content_update posting_to_channel_denied
    slack_connect_blocked_file_type slack_connect_canvas_sharing_blocked
    slack_connect_clip_sharing_blocked slack_connect_file_link_sharing_blocked
    slack_connect_file_upload_sharing_blocked team_not_found unable_to_share_files""",
    "conversations.open": """channel_not_found method_not_supported_for_channel_type
    not_enough_users too_many_users users_list_not_supplied""",
    "users.info": "too_many_users",
    "views.publish": "missing_profile_id not_enabled not_implemented",
}


def _table(method: str) -> dict[str, Fate]:
    told = {
        Fate.FATAL: f"{_ACCESS} {_CALL} {_NEVER.get(method, '')}",
        Fate.FALL_BACK: _ANOTHER_WAY[method],
        Fate.RETRY: f"{_RETRY} {_LATER.get(method, '')}",
    }
    # The last to speak wins: what has another way is not fatal, what may pass needs neither.
    return {code: fate for fate, codes in told.items() for code in codes.split()}


FATES: dict[str, dict[str, Fate]] = {method: _table(method) for method in _ANOTHER_WAY}


def fate_of(method: str, code: str) -> Fate:
    """What the refusal `code` of `method` means; what nobody knows is fatal."""
    return FATES.get(method, {}).get(code, Fate.FATAL)


_CONSOLE = "Reinstall the app from deploy/slack-manifest.yaml, then set FIREBREAK_SLACK_BOT_TOKEN."
_FIXES = {
    "not_in_channel": "Invite the app: type `/invite @firebreak` in that channel.",
    "channel_not_found": "Correct the channel's id in firebreak.toml; into a private channel, "
    "invite the app with `/invite @firebreak`.",
    "is_archived": "Unarchive the channel, or name another one in firebreak.toml.",
    "message_limit_exceeded": "The workspace may post no more messages; see its plan.",
    "missing_scope": "Add the scope to the app (deploy/slack-manifest.yaml has all), reinstall it.",
    "restricted_action": "Let the app post: change who may post in that channel's settings.",
    "restricted_action_read_only_channel": "Name a channel in which apps may post.",
    "restricted_action_thread_only_channel": "Name a channel that takes new messages.",
    "invalid_auth": _CONSOLE,
    "not_authed": _CONSOLE,
    "account_inactive": _CONSOLE,
    "token_expired": _CONSOLE,
    "token_revoked": _CONSOLE,
}
# A person changes something, and the same call passes.
MENDABLE = frozenset(_FIXES) | _words(_ACCESS)
_ANY_FIX = "Look the code up among Slack's errors of that method; the next change is sent anyway."


def fix_of(code: str) -> str:
    """What a person does about a refusal, in one sentence."""
    return _FIXES.get(code, _ANY_FIX)
