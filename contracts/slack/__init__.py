"""What people read and answer in Slack, as pure functions of the journal: no I/O, no clock.

| module | gives |
| --- | --- |
| `incident_card` | `incident_card(view)` |
| `approval_card` | `approval_card(view, asked)` |
| `side_cards` | `reminder_card`, `dm_card(view, asked, person, url)`, `late_card(view)` |
| `views` | `deny_view`, `details_view`, `refusal_view`, `loading_view`, `page_view`, `toil_view` |
| `home` | `Home`, `home_view(home)` |
| `card` | `Card` with `text`, `blocks` and `digest` |
| `ids` | the names of actions, views and inputs |
| `risk`, `way_back` | `risk_of(approval)`, `way_back(plan)` |
"""
