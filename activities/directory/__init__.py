"""Who is in a group now: on-call schedules and user groups, read where they are kept.

    Directory   one group, read now: a list, a calendar, a schedule of PagerDuty, a group of Slack
    Groups      several at once within a few seconds, kept in the books for the doors
    refresh     the activity that keeps them known between two questions

What cannot be read is never guessed: it is nobody, with the reason.
"""

from activities.directory.directory import Directory as Directory
from activities.directory.groups import GroupActivities as GroupActivities
from activities.directory.groups import Groups as Groups
from activities.directory.pagerduty import Schedules as Schedules
from activities.directory.usergroups import UserGroups as UserGroups
