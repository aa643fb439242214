"""users.*, usergroups.*, auth.* and apps.*: who there is, who the app is, and its sockets."""

from sandbox.slack.methods import Args, Here, Method
from sandbox.slack.refusals import JSON, Refusal
from sandbox.slack.workspace import User, Workspace


def user_json(workspace: Workspace, user: User, *, with_email: bool) -> JSON:
    """One user as users.info shows it; the address only with the scope for it."""
    profile = {"real_name": user.name.title(), "display_name": user.name}
    return {
        "id": user.id,
        "team_id": workspace.team_of(user),
        "name": user.name,
        "real_name": user.name.title(),
        "tz": user.tz,
        "deleted": user.deleted,
        "is_bot": user.is_bot,
        "is_restricted": user.is_restricted,
        "is_ultra_restricted": user.is_ultra_restricted,
        "is_stranger": user.is_stranger,
        "is_email_confirmed": bool(user.email),
        "profile": profile | ({"email": user.email} if with_email and user.email else {}),
    }


def _shown(here: Here, user: User) -> JSON:
    workspace = here.store.workspace
    return user_json(workspace, user, with_email="users:read.email" in workspace.scopes)


def user_info(here: Here, args: Args) -> JSON:
    """users.info."""
    user = here.store.workspace.user(args.required("user"))
    if user is None:
        raise Refusal("user_not_found")
    return {"ok": True, "user": _shown(here, user)}


def list_users(here: Here, _args: Args) -> JSON:
    """users.list, on one page."""
    members = [_shown(here, user) for user in here.store.workspace.users]
    return {"ok": True, "members": members, "response_metadata": {"next_cursor": ""}}


def look_up_by_email(here: Here, args: Args) -> JSON:
    """users.lookupByEmail: deleted people and bots are not found."""
    email = args.required("email").lower()
    for user in here.store.workspace.users:
        if user.email.lower() == email and not user.deleted and not user.is_bot:
            return {"ok": True, "user": _shown(here, user)}
    raise Refusal("users_not_found")


def list_group_users(here: Here, args: Args) -> JSON:
    """usergroups.users.list."""
    workspace = here.store.workspace
    if not workspace.paid:
        raise Refusal("plan_upgrade_required")
    group = workspace.usergroup(args.required("usergroup"))
    if group is None or (group.disabled and not args.flag("include_disabled")):
        raise Refusal("no_such_subteam")
    return {"ok": True, "users": list(group.users)}


def list_groups(here: Here, args: Args) -> JSON:
    """usergroups.list."""
    workspace = here.store.workspace
    if not workspace.paid:
        raise Refusal("plan_upgrade_required")
    shown = [g for g in workspace.usergroups if args.flag("include_disabled") or not g.disabled]
    groups = [{"id": g.id, "handle": g.handle, "name": g.handle} for g in shown]
    return {"ok": True, "usergroups": groups}


def auth_test(here: Here, _args: Args) -> JSON:
    """auth.test."""
    workspace = here.store.workspace
    return {
        "ok": True,
        "url": f"{here.url}/",
        "team": workspace.team_name,
        "team_id": workspace.team_id,
        "user": workspace.bot_name,
        "user_id": workspace.bot_user,
        "bot_id": workspace.bot_id,
        "is_enterprise_install": False,
    }


def open_connection(here: Here, _args: Args) -> JSON:
    """apps.connections.open: an address for one socket."""
    address = here.url.replace("http", "ws", 1)
    ticket = f"ticket={here.new_ticket()}&app_id={here.store.workspace.app_id}"
    return {"ok": True, "url": f"{address}/link/?{ticket}"}


METHODS = {
    "users.info": Method(user_info, ("users:read",), 4, json=False),
    "users.list": Method(list_users, ("users:read",), 2, json=False),
    "users.lookupByEmail": Method(look_up_by_email, ("users:read.email",), 3, json=False),
    "usergroups.users.list": Method(list_group_users, ("usergroups:read",), 2, json=False),
    "usergroups.list": Method(list_groups, ("usergroups:read",), 2, json=False),
    "auth.test": Method(auth_test, (), 4),
    "apps.connections.open": Method(open_connection, ("connections:write",), 3, "xapp-"),
}
