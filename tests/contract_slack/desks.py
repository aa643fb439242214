"""An incident whose messages go to either Slack, and a line that breaks behind what Slack took."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

from contract_slack.either_slack import EitherSlack
from pydantic import SecretStr
from slack_desk import Clock, Desk
from sqlalchemy import Engine

from activities.slack.channel import SlackChannel
from activities.slack.client import SlackApi, open_bot
from contracts.errors import OutcomeUnknown
from sandbox.slack import SlackServer
from toil.journal import Journal
from toil.messages import Messages


class DeafApi(SlackApi):
    """Slack takes the first post, and we never hear of it."""

    was_deaf = False

    def call(self, method: str, **arguments: object) -> Mapping[str, Any]:
        """The same call; once its answer is lost."""
        answer = super().call(method, **arguments)
        if method == "chat.postMessage" and not self.was_deaf:
            self.was_deaf = True
            raise OutcomeUnknown("the line broke after Slack had accepted")
        return answer


def desk_at(engine: Engine, slack: EitherSlack) -> Desk:
    """One open incident; its clock begins now, because the emulator has no other."""
    clock = Clock()
    clock.now = datetime.now(UTC)
    # Of Slack the desk uses nothing but what both have.
    return Desk(engine, cast(SlackServer, slack), clock)


def deaf_worker(desk: Desk) -> SlackChannel:
    """A worker on a bad line."""
    api = DeafApi(open_bot(SecretStr(desk.slack.bot_token), desk.slack.api_url))
    bodies = Journal(desk.engine).evidence_body
    return SlackChannel(api, Messages(desk.engine), bodies, desk.clock)
