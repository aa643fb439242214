"""Pure policy: what the rules say of a plan, given facts that somebody else has gathered.

Nothing here reads a clock, a file, a database or a cluster; the same facts give the same verdict.
"""

from guardrails.facts import Attempt as Attempt
from guardrails.facts import Facts as Facts
from guardrails.facts import Known as Known
from guardrails.facts import Storm as Storm
from guardrails.facts import Switch as Switch
from guardrails.facts import Verified as Verified
from guardrails.facts import Write as Write
from guardrails.facts import facts_of as facts_of
from guardrails.facts import groups_asked as groups_asked
from guardrails.judge import judge as judge
from guardrails.judge import over_the_limits as over_the_limits
from guardrails.storm import looks_back as looks_back
from guardrails.storm import storm_of as storm_of
