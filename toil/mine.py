"""A person's own week, for that person alone: the same figures on every door.

They are derived anew, with the report's arithmetic, so that one's own page and the team's agree.
"""

from datetime import datetime, timedelta

from contracts.model import Contract
from contracts.toil import Category
from toil.ledger import Ledger
from toil.weeks import weeks_until, zone_of
from toil.work import in_force, work_of

_INSTANT = timedelta(microseconds=1)


class MyWeek(Contract):
    """The week that holds `now`: [begins, ends), and the seconds in it by category; a category
    without any is left out.
    """

    label: str
    begins: datetime
    ends: datetime
    seconds: dict[Category, int]
    total_seconds: int


def week_of(ledger: Ledger, person: str, timezone: str, now: datetime) -> MyWeek:
    """The person's week so far, from Monday in the zone of that name.

    Raises:
        InvalidInput: there is no such zone.

    """
    (week,) = weeks_until(now + _INSTANT, 1, zone_of(timezone), now)
    acts = ledger.observations(person=person, since=week.begins)
    posted = in_force(ledger.entries(person=person, since=week.begins))
    seconds: dict[Category, int] = {}
    for work in work_of(acts, posted, [week]):
        seconds[work.category] = seconds.get(work.category, 0) + work.seconds
    return MyWeek(**week.model_dump(), seconds=seconds, total_seconds=sum(seconds.values()))
