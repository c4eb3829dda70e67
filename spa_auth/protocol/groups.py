"""Group membership, as a claim tells it."""

from collections.abc import Mapping, Sequence

from spa_auth.errors import ConfigurationError
from spa_auth.protocol.strict_json import is_array, is_object

Claims = Mapping[str, object]


def is_user_in_group(
    claims: Claims, groups: Sequence[str], *, groups_claim: str = "groups", match_all: bool = False
) -> bool:
    """Whether the claims name these groups, letter by letter; False where they name none.

    Args:
        claims: The claims about the user.
        groups: The groups to look for.
        groups_claim: The claim that lists the user's groups; or the way to it through objects, with dots between.
        match_all: Whether every group is needed; else one is enough.

    Raises:
        ConfigurationError: `groups` is no list, or empty: then anybody, or nobody, would be in all of them.
    """
    if isinstance(groups, str) or not groups:
        raise ConfigurationError("groups must be a list of at least one group.")
    members = _groups(_find(claims, groups_claim))
    return members.issuperset(groups) if match_all else not members.isdisjoint(groups)


def _find(claims: Claims, path: str) -> object:
    # The name of a claim may have dots of its own, as that of a URL has.
    if path in claims:
        return claims[path]
    value: object = dict(claims)
    for name in path.split("."):
        value = value.get(name) if is_object(value) else None
    return value


def _groups(value: object) -> set[str]:
    # "admin" in "administrators": a text is no list of groups (threat N13).
    return {name for item in value for name in _names(item)} if is_array(value) else set()


def _names(item: object) -> list[str]:
    """A group is a text, or an object with an id, a name or both."""
    values = [item.get("id"), item.get("name")] if is_object(item) else [item]
    return [value for value in values if isinstance(value, str)]
