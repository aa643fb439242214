"""Who may do what: the part of RBAC that a test of permissions needs.

A user may do everything until somebody restricts him; from then on only what his rules allow. The
rules have the shape of a Role's `rules`. It decides, and is told nothing of what was asked before.
"""

from dataclasses import dataclass, field

from sandbox.admission import check_body_type
from sandbox.objects import Object, mapping_at, text_at
from sandbox.requests import Request
from sandbox.resources import ACCESS_REVIEWS, Resource
from sandbox.status import ApiError, Cause, forbidden, invalid

_READS_SELF = "selfsubjectaccessreviews"


@dataclass(frozen=True)
class Attributes:
    """What somebody wants to do; `resource` is the plural, without its subresource."""

    verb: str
    group: str
    resource: str
    subresource: str = ""
    namespace: str = ""
    name: str = ""

    @property
    def full_resource(self) -> str:
        """`pods` or `pods/eviction`, as rules name it."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


@dataclass(frozen=True)
class Grant:
    """Rules of one user; the empty namespace grants them everywhere."""

    namespace: str
    rules: tuple[Object, ...]


@dataclass
class Access:
    """The grants of all restricted users."""

    _grants: dict[str, list[Grant]] = field(default_factory=dict)

    def restrict(self, user: str, rules: list[Object], namespace: str = "") -> None:
        """From now on the user may only do what one of his rules allows; may be called again."""
        grants = self._grants.setdefault(user, [])
        grants.append(Grant(namespace, tuple(rules)))

    def release(self, user: str) -> None:
        """The user may do everything again."""
        self._grants.pop(user, None)

    def may(self, user: str, wanted: Attributes) -> bool:
        """Whether the user may do it."""
        if user not in self._grants or wanted.resource == _READS_SELF:
            return True
        return any(
            _allows(rule, wanted)
            for grant in self._grants[user]
            if grant.namespace in {"", wanted.namespace}
            for rule in grant.rules
        )

    def check(self, user: str, resource: Resource, wanted: Attributes) -> None:
        """Raises ApiError 403 in the words of the real server."""
        if self.may(user, wanted):
            return
        where = f'in the namespace "{wanted.namespace}"' if wanted.namespace else ""
        why = (
            f'User "{user}" cannot {wanted.verb} resource "{wanted.full_resource}" in API group '
            f'"{wanted.group}" {where or "at the cluster scope"}'
        )
        raise forbidden(resource, wanted.name, why)

    def review(self, request: Request) -> Object:
        """The answer to a SelfSubjectAccessReview; raises ApiError 400, 415, 422 or 501."""
        check_body_type(request)
        body = request.body if isinstance(request.body, dict) else {}
        asked = mapping_at(body, "spec", "resourceAttributes")
        if not asked:
            raise _empty_review()
        keys = ("verb", "group", "resource", "subresource", "namespace", "name")
        wanted = Attributes(**{key: text_at(asked, key) for key in keys})
        return {
            "kind": ACCESS_REVIEWS.kind,
            "apiVersion": ACCESS_REVIEWS.api_version,
            "metadata": {},
            "spec": {"resourceAttributes": asked},
            "status": {"allowed": self.may(request.user, wanted)},
        }


def _allows(rule: Object, wanted: Attributes) -> bool:
    names = rule.get("resourceNames") or []
    return (
        _holds(rule, "verbs", wanted.verb)
        and _holds(rule, "apiGroups", wanted.group)
        and _holds(rule, "resources", wanted.full_resource)
        and (not names or wanted.name in names)
    )


def _holds(rule: Object, key: str, value: str) -> bool:
    listed = rule.get(key) or []
    return "*" in listed or value in listed


def _empty_review() -> ApiError:
    why = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
    message = f"Invalid value: null: {why}"
    cause = Cause("spec.resourceAttributes", "FieldValueInvalid", message)
    return invalid((ACCESS_REVIEWS.group, ""), "", [cause])
