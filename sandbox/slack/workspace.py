"""Who and what there is in the stand-in's workspace: people, channels, user groups, one app.

Plain values that a test fills in. Ids look like Slack's: they are opaque, and only their first
letter tells their kind.
"""

from dataclasses import dataclass, field

SCOPES = (
    "channels:history",
    "channels:read",
    "chat:write",
    "commands",
    "files:write",
    "groups:history",
    "groups:read",
    "im:history",
    "im:write",
    "usergroups:read",
    "users:read",
    "users:read.email",
)


@dataclass
class User:
    """One person or bot. `team` is another workspace's id for somebody of Slack Connect."""

    id: str
    name: str
    email: str = ""
    tz: str = "Europe/Berlin"
    is_bot: bool = False
    deleted: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    team: str = ""


@dataclass
class Channel:
    """One channel; `members` are ids of users, the app's own bot user among them when invited."""

    id: str
    name: str
    members: set[str] = field(default_factory=set)
    archived: bool = False
    private: bool = False


@dataclass
class UserGroup:
    """What `@oncall` mentions: a handle and the ids of its users."""

    id: str
    handle: str
    users: list[str] = field(default_factory=list)
    disabled: bool = False


BOT_USER = "U0FIREBREAK"


def _users() -> list[User]:
    return [
        User("U0ANA", "ana", "ana@example.com"),
        User("U0BEN", "ben", "ben@example.com", tz="America/New_York"),
        User("U0CLEO", "cleo", "cleo@example.com", tz="Asia/Tokyo"),
    ]


def _channels() -> list[Channel]:
    return [Channel("C0OPS", "ops", {"U0ANA", "U0BEN", "U0CLEO", BOT_USER})]


def _usergroups() -> list[UserGroup]:
    return [UserGroup("S0ONCALL", "oncall", ["U0ANA", "U0BEN"])]


def _commands() -> dict[str, str]:
    return {
        "/toil": "25m what you did @service | start what you do @service | stop | me | help",
        "/firebreak": "status | approve APPROVAL | deny APPROVAL REASON | pause [SCOPE] REASON"
        " | resume [SCOPE] | help",
    }


@dataclass
class Workspace:
    """Everything the app can see. `scopes` are those of the bot's token.

    `paid` False is the free plan: it has no user groups (`plan_upgrade_required`). `commands` and
    `shortcuts` (of messages, by callback id) are what the page offers.
    """

    users: list[User] = field(default_factory=_users)
    channels: list[Channel] = field(default_factory=_channels)
    usergroups: list[UserGroup] = field(default_factory=_usergroups)
    scopes: set[str] = field(default_factory=lambda: set(SCOPES))
    app_scopes: set[str] = field(default_factory=lambda: {"connections:write"})
    team_id: str = "T0MAIN"
    team_name: str = "Example"
    app_id: str = "A0FIREBREAK"
    bot_id: str = "B0FIREBREAK"
    bot_user: str = BOT_USER
    bot_name: str = "firebreak"
    paid: bool = True
    commands: dict[str, str] = field(default_factory=_commands)
    shortcuts: dict[str, str] = field(default_factory=lambda: {"toil.from_message": "Log as toil"})

    def __post_init__(self) -> None:
        if not any(user.id == self.bot_user for user in self.users):
            self.users.append(User(self.bot_user, self.bot_name, is_bot=True))

    def user(self, user_id: str) -> User | None:
        """The user of this id."""
        return next((user for user in self.users if user.id == user_id), None)

    def channel(self, channel_id: str) -> Channel | None:
        """The channel of this id; names are no ids."""
        return next((channel for channel in self.channels if channel.id == channel_id), None)

    def usergroup(self, group_id: str) -> UserGroup | None:
        """The user group of this id."""
        return next((group for group in self.usergroups if group.id == group_id), None)

    def team_of(self, user: User) -> str:
        """The id of the workspace where this user is at home."""
        return user.team or self.team_id
