"""Where a question can be looked at or answered: in its thread, and in the browser."""

from contracts.message import MessageView
from contracts.slack.parts import Part, link, own
from contracts.slack.telling import page_of
from contracts.views import ApprovalView


def answer_links(
    view: MessageView, approval: ApprovalView, message_url: str, verb: str
) -> list[Part]:
    """`Answer in the thread or in the browser`; `message_url` is Slack's own permanent link of the
    question. An address that is no plain web address is left out.
    """
    thread = link(message_url, f"{verb} in the thread")
    if thread["type"] != "link":
        return [link(page_of(view, approval.id), f"{verb} in the browser")]
    page = link(page_of(view, approval.id), "in the browser")
    return [thread, own(" or "), page] if page["type"] == "link" else [thread]
