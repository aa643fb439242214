"""views.*: modals and the Home of a person."""

from sandbox.slack.methods import Args, Here, Method
from sandbox.slack.modals import shown
from sandbox.slack.refusals import JSON, Refusal, refused
from sandbox.slack.view_rules import check_view


def _view(args: Args, *kinds: str) -> JSON:
    view = args.structure("view", dict, "invalid_arguments")
    if not view:
        raise Refusal("invalid_arguments")
    return check_view(view, kinds)


def open_view(here: Here, args: Args) -> JSON:
    """views.open: a bad view leaves the trigger unused."""
    view = _view(args, "modal")
    trigger = here.modals.take(args.required("trigger_id"))
    return {"ok": True, "view": shown(here.modals.open(trigger.user, view))}


def push_view(here: Here, args: Args) -> JSON:
    """views.push: only from a click within a modal."""
    view = _view(args, "modal")
    trigger = here.modals.take(args.required("trigger_id"))
    if not trigger.view:
        raise Refusal("invalid_trigger_id")
    return {"ok": True, "view": shown(here.modals.push(trigger.user, view))}


def update_view(here: Here, args: Args) -> JSON:
    """views.update: by id or external id; a given hash must still be the view's."""
    view = _view(args, "modal", "home")
    if not args.text("view_id") and not args.text("external_id"):
        raise Refusal("invalid_arguments")
    old = here.modals.find(args.text("view_id"), args.text("external_id"))
    if args.text("hash") and args.text("hash") != old["hash"]:
        raise Refusal("hash_conflict")
    return {"ok": True, "view": shown(here.modals.replace(old, view))}


def publish_view(here: Here, args: Args) -> JSON:
    """views.publish."""
    view = _view(args, "home")
    user = args.required("user_id")
    if here.store.workspace.user(user) is None:
        raise refused("invalid_arguments", "invalid `user_id`")
    return {"ok": True, "view": shown(here.modals.publish(user, view, args.text("hash")))}


METHODS = {
    "views.open": Method(open_view, (), 4),
    "views.push": Method(push_view, (), 4),
    "views.update": Method(update_view, (), 4),
    "views.publish": Method(publish_view, (), 4),
}
