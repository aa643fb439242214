"""One group, read now, wherever it is kept."""

import logging
from datetime import datetime

import httpx

from activities.directory.calendars import Calendars
from activities.directory.pagerduty import Schedules
from activities.directory.people import Roster
from activities.directory.usergroups import UserGroups
from contracts.errors import NotFound, Rejected
from contracts.groups import ONCALL, USERGROUP
from contracts.policy import OnCall, Policy

logger = logging.getLogger(__name__)


class Directory:
    """`client` is shared and closed by whoever made it. Without Slack no user group can be read."""

    def __init__(
        self,
        policy: Policy,
        client: httpx.Client,
        schedules: Schedules,
        slack: UserGroups | None = None,
    ) -> None:
        self._schedules = {schedule.name: schedule for schedule in policy.oncall}
        self._roster = Roster(policy.people)
        self._calendars = Calendars(client, self._roster)
        self._pagerduty = schedules
        self._slack = slack

    def members(self, group: str, now: datetime) -> frozenset[str]:
        """The ids of the people in it at `now`; empty where it names nobody of the policy.

        Raises:
            NotFound: the policy has no such schedule.
            Rejected: it cannot be read, and trying again is useless.
            Unavailable: it may be read later.

        """
        found = self._read(group, now)
        if not found:
            # It is an answer, and still most likely a fault of the schedule or of [[people]].
            logger.warning("nobody of the policy is in the group", extra={"group": group})
        return found

    def _read(self, group: str, now: datetime) -> frozenset[str]:
        if group.startswith(USERGROUP):
            if self._slack is None:
                raise Rejected("there is no token for Slack", "Set FIREBREAK_SLACK_BOT_TOKEN.")
            return self._slack.members(group.removeprefix(USERGROUP), self._roster)
        schedule = self._schedules.get(group.removeprefix(ONCALL))
        if not group.startswith(ONCALL) or schedule is None:
            raise NotFound(f"there is no group {group}", "Add it under [[oncall]].")
        return self._on_call(schedule, now)

    def _on_call(self, schedule: OnCall, now: datetime) -> frozenset[str]:
        if schedule.kind == "ical":
            return self._calendars.members(schedule.url, now, schedule.timezone)
        if schedule.kind == "pagerduty":
            return self._pagerduty.members(schedule.schedule, now, self._roster)
        return self._roster.ids & frozenset(schedule.people)
