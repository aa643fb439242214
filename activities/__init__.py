"""The only side effects on other systems; one small class or function for each activity.

An activity is thin: it takes one contract, does one thing, gives one contract back. It is named
in `contracts/`, never imported by a workflow, and repeated safely: its key came from a workflow.

    guard       judge, reserve, settle: the rules and the write lock
    catalogue   which runbook applies, and why none does
    record      a line of an incident's story, in one transaction
    intake      which incident holds an alert, and handing one over
    messages    the newest revision of an incident to each channel; `webhook` is one channel
    kubernetes  looks, plans, writes and checks on a cluster

What holds for all of them is an interceptor, so that none can forget it: `errors` translates
exceptions and keeps secrets out of history, `heartbeat` lets a killed worker be noticed. `redact`
blanks secrets in text. Never put a policy here (`guardrails/`) or a decision (`workflows/`).
"""
