"""What a development provider can be told, once and for all."""

from dataclasses import dataclass, field
from types import NoneType
from typing import Literal, cast, get_args, get_origin, get_type_hints

from spa_auth.dev_provider.clients import DEMO, Client, client_faults
from spa_auth.dev_provider.users import ALICE, BOB, User, typed_user, user_faults
from spa_auth.errors import ConfigurationError, ProtocolError
from spa_auth.protocol.metadata import check_issuer
from spa_auth.protocol.scope import Scope
from spa_auth.protocol.url import parse_url
from spa_auth.protocol.userinfo import SCOPE_CLAIMS

ISSUER = "http://127.0.0.1:9400/"
STANDARD_SCOPES = ("openid", *SCOPE_CLAIMS, "offline_access")


@dataclass(frozen=True, kw_only=True)
class Api:
    """An API that access tokens are made for.

    Args:
        audience: Its identifier, the `aud` of its tokens.
        scopes: The scope words that it knows; others are not granted.
    """

    audience: str
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Organization:
    """A group of users that an application may ask to log in for, with the parameter `organization`.

    Args:
        org_id: Its identifier, the `org_id` of ID tokens and access tokens.
        name: What it is called in requests, too, and on the login page.
        members: The `sub` of each user who belongs to it; None lets everybody in.
    """

    org_id: str
    name: str
    members: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Options:
    """The whole configuration. All durations are seconds.

    Args:
        issuer: The provider's own identifier and address, with the final slash that it shall have everywhere.
        users: Who appears on the login page as one click; any other name can be typed.
        clients: The applications that are known.
        apis: The APIs that are known; None accepts any audience and grants any scope for it.
        organizations: The organizations that are known.
        consent: Ask users before an application gets something for the first time.
        web_message: Whether response_mode=web_message works, as popups and silent frames may want it.
        thin_id_tokens: Keep profile claims out of ID tokens: then only the userinfo endpoint tells them.
        resource_only: Read the parameter `resource` (RFC 8707) and not `audience`.
        rotate_refresh_tokens: Whether every refresh brings a new refresh token and spends the old one.
        rotation_overlap: How long a spent refresh token is still answered, for clients whose answer got lost.
        dpop: Whether DPoP proofs are passed over ("off"), taken ("optional") or demanded ("required").
        dpop_nonces: Whether proofs need no nonce ("off"), may carry one ("optional") or must ("required").
        dpop_nonce_lifetime: How long a nonce is the newest one; the one before it stays good as long again.
        require_pushed_requests: Refuse authorization requests that were not pushed (RFC 9126 section 5).
        registration: Whether applications can register themselves (RFC 7591): not at all ("off"), with an initial
            access token ("protected"), or anybody ("open"). Pages of other machines cannot where it is "open".
        initial_access_tokens: The tokens that "protected" takes; more can be made while the provider runs.
        access_token_lifetime: How long access tokens are good.
        id_token_lifetime: How long ID tokens are good.
        code_lifetime: How long an authorization code waits; RFC 6749 section 4.1.2 allows ten minutes at most.
        refresh_token_lifetime: How long a refresh token and all that follow from it live, from the login on.
        session_lifetime: How long the login at the provider lasts.
        interaction_lifetime: How long a login page can be answered.
        pushed_request_lifetime: How long a pushed authorization request waits for the browser.
        device_code_lifetime: How long a device waits for its user.
        device_poll_interval: How long a device has to wait between two questions (RFC 8628 section 3.2).

    Raises:
        ConfigurationError: Names everything that is wrong, at once.
    """

    issuer: str = ISSUER
    users: tuple[User, ...] = (ALICE, BOB)
    clients: tuple[Client, ...] = (DEMO,)
    apis: tuple[Api, ...] | None = None
    organizations: tuple[Organization, ...] = ()
    consent: bool = False
    web_message: bool = True
    thin_id_tokens: bool = False
    resource_only: bool = False
    rotate_refresh_tokens: bool = True
    rotation_overlap: int = 0
    dpop: Literal["off", "optional", "required"] = "optional"
    dpop_nonces: Literal["off", "optional", "required"] = "off"
    dpop_nonce_lifetime: int = 300
    require_pushed_requests: bool = False
    registration: Literal["off", "protected", "open"] = "off"
    initial_access_tokens: tuple[str, ...] = field(default=(), repr=False)
    access_token_lifetime: int = 600
    id_token_lifetime: int = 3600
    code_lifetime: int = 60
    refresh_token_lifetime: int = 14 * 86_400
    session_lifetime: int = 86_400
    interaction_lifetime: int = 3600
    pushed_request_lifetime: int = 60
    device_code_lifetime: int = 600
    device_poll_interval: int = 5

    def __post_init__(self) -> None:
        faults = _type_faults(self)
        if faults:
            raise ConfigurationError(*faults)  # what follows looks into the values
        faults = [
            *_issuer_faults(self.issuer),
            *_choice_faults(self),
            *_lifetime_faults(self),
            *_doubles(self),
            *(fault for client in self.clients for fault in client_faults(client)),
            *_dpop_faults(self),
            *(fault for user in self.users for fault in user_faults(user)),
            *_name_faults(self),
            *_member_faults(self),
        ]
        if faults:
            raise ConfigurationError(*faults)

    def organization(self, word: str) -> Organization | None:
        """The organization of that identifier or name."""
        return next((org for org in self.organizations if word in (org.org_id, org.name)), None)

    def knows_audience(self, audience: str) -> bool:
        """Whether access tokens are made for that API."""
        return self.apis is None or any(api.audience == audience for api in self.apis)

    def granted(self, scope: Scope, audiences: tuple[str, ...]) -> Scope:
        """The part of a scope that is granted; the rest is left out without an error (RFC 6749 section 3.3)."""
        if self.apis is None and audiences:
            return scope
        known = {word for api in self.apis or () if api.audience in audiences for word in api.scopes}
        return Scope(word for word in scope if word in known or word in STANDARD_SCOPES)


_WORDS: dict[object, str] = {str: "a string", bool: "true or false", int: "a whole number"}


def _type_faults(options: Options) -> list[str]:
    types = get_type_hints(Options)
    return [fault for name, kind in types.items() for fault in _value_faults(name, kind, getattr(options, name))]


def _value_faults(name: str, kind: object, value: object) -> list[str]:
    if value is None and NoneType in get_args(kind):
        return []
    listed = next((part for part in (kind, *get_args(kind)) if get_origin(part) is tuple), None)
    if listed is not None:
        element = get_args(listed)[0]
        good = isinstance(value, tuple) and all(isinstance(each, element) for each in cast("tuple[object, ...]", value))
        return [] if good else [f"{name} must be a tuple of {element.__name__}."]
    # Not isinstance: True is an int to Python, and no lifetime.
    wanted = _WORDS.get(kind)
    return [f"{name} must be {wanted}."] if wanted is not None and _WORDS.get(type(value)) != wanted else []


def _issuer_faults(issuer: str) -> list[str]:
    try:
        parse_url(issuer)
        check_issuer(issuer)
    except ProtocolError as error:
        return [f"issuer {issuer!a} cannot be used: {error.error_description}"]
    return []


def _choice_faults(options: Options) -> list[str]:
    # A configuration file knows no types: what is written there is judged here.
    types = get_type_hints(Options)
    choices = {name: get_args(types[name]) for name in ("dpop", "dpop_nonces", "registration")}
    return [
        f"{name} must be one of {', '.join(words)}."
        for name, words in choices.items()
        if getattr(options, name) not in words
    ]


def _lifetime_faults(options: Options) -> list[str]:
    names = [name for name in Options.__dataclass_fields__ if name.endswith(("_lifetime", "_interval"))]
    faults = [f"{name} must be at least 1 second." for name in names if getattr(options, name) < 1]
    return [*faults, *(["rotation_overlap must not be negative."] if options.rotation_overlap < 0 else [])]


def _dpop_faults(options: Options) -> list[str]:
    bound = [client.client_id for client in options.clients if client.dpop_bound_access_tokens]
    return [f"{client_id} demands DPoP, but dpop is off." for client_id in bound if options.dpop == "off"]


def _doubles(options: Options) -> list[str]:
    groups = {
        "users": [user.sub for user in options.users],
        "clients": [client.client_id for client in options.clients],
        "apis": [api.audience for api in options.apis or ()],
        "organizations": [word for org in options.organizations for word in {org.org_id, org.name}],
    }
    twice = {name: [key for key in dict.fromkeys(keys) if keys.count(key) > 1] for name, keys in groups.items()}
    return [f"{name} names {key!a} twice." for name, keys in twice.items() for key in keys]


def _name_faults(options: Options) -> list[str]:
    named = {
        "An API has an empty audience.": [api.audience for api in options.apis or ()],
        "An organization has an empty org_id.": [org.org_id for org in options.organizations],
        "An organization has an empty name.": [org.name for org in options.organizations],
    }
    faults = [fault for fault, names in named.items() if "" in names]
    words = [(api.audience, word) for api in options.apis or () for word in api.scopes]
    return [
        *faults,
        *(f"{owner} has the scope {word!a}, which is not one word." for owner, word in words if not _is_word(word)),
    ]


def _is_word(text: str) -> bool:
    return list(Scope(text)) == [text] and Scope(text).is_legal


def _member_faults(options: Options) -> list[str]:
    known = {user.sub for user in options.users}
    return [
        f"The organization {org.name} has a member that nobody can be: {member[:40]!a} is no user's sub."
        for org in options.organizations
        for member in org.members or ()
        if member not in known and not _can_be_typed(member)
    ]


def _can_be_typed(sub: str) -> bool:
    user = typed_user(sub)
    return user is not None and user.sub == sub
