from typing import cast

import pytest
from dev_provider.harness import World

from spa_auth.dev_provider import ALICE, Api, Client, Options, Organization, User
from spa_auth.errors import ConfigurationError

ADMIN = User("adam", {"name": "Adam", "groups": ("admin", "staff"), "department": "tools"})


def faults_of(**options: object) -> tuple[str, ...]:
    with pytest.raises(ConfigurationError) as caught:
        Options(**options)  # type: ignore[arg-type]
    return caught.value.faults


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"consent": "yes"}, "consent must be true or false."),
        ({"code_lifetime": True}, "code_lifetime must be a whole number."),
        ({"code_lifetime": 1.5}, "code_lifetime must be a whole number."),
        ({"code_lifetime": "60"}, "code_lifetime must be a whole number."),
        ({"issuer": None}, "issuer must be a string."),
        ({"users": None}, "users must be a tuple of User."),
        ({"users": [ALICE]}, "users must be a tuple of User."),
        ({"users": ("alice",)}, "users must be a tuple of User."),
        ({"apis": [Api(audience="a")]}, "apis must be a tuple of Api."),
        ({"initial_access_tokens": "token"}, "initial_access_tokens must be a tuple of str."),
        ({"code_lifetime": 0}, "code_lifetime must be at least 1 second."),
        ({"rotation_overlap": -1}, "rotation_overlap must not be negative."),
        ({"dpop": "maybe"}, "dpop must be one of off, optional, required."),
        ({"dpop": ["off"]}, "dpop must be one of off, optional, required."),
        ({"users": (ALICE, ALICE)}, "users names 'alice' twice."),
        ({"users": (User(""),)}, "The sub '' must be 1 to 255 printable ASCII characters."),
        ({"users": (User("zoë"),)}, "The sub 'zo\\xeb' must be 1 to 255 printable ASCII characters."),
        ({"users": (User("a", {"groups": "admin"}),)}, "groups of a must be a list."),
        ({"clients": (Client(client_id=""),)}, "A client has an empty client_id."),
        (
            {"clients": (Client(client_id="a", token_endpoint_auth_method="foo"),)},
            "a: token_endpoint_auth_method must be one of none, client_secret_basic, client_secret_post.",
        ),
        (
            {"clients": (Client(client_id="a", token_endpoint_auth_method="client_secret_basic"),)},
            "a needs a client_secret, so token_endpoint_auth_method cannot be client_secret_basic.",
        ),
        (
            {"clients": (Client(client_id="a", client_secret="s", token_endpoint_auth_method="none"),)},
            "a has a client_secret, so token_endpoint_auth_method cannot be none.",
        ),
        ({"apis": (Api(audience=""),)}, "An API has an empty audience."),
        (
            {"apis": (Api(audience="a", scopes=("read notes",)),)},
            "a has the scope 'read notes', which is not one word.",
        ),
        ({"organizations": (Organization(org_id="", name="a"),)}, "An organization has an empty org_id."),
        ({"organizations": (Organization(org_id="a", name=""),)}, "An organization has an empty name."),
        ({"users": (User("a", {"iss": "b", "aud": "c"}),)}, "a has claims that the provider itself sets: aud, iss."),
    ],
)
def test_every_value_that_cannot_be_used_is_named_with_its_option(options: dict[str, object], fault: str) -> None:
    assert faults_of(**options) == (fault,)


def test_all_faults_are_told_at_once() -> None:
    assert (
        len(
            faults_of(issuer="nonsense", dpop="x", code_lifetime=-1, clients=(Client(client_id="a", client_secret=""),))
        )
        == 4
    )


def test_members_of_organizations_are_users_or_names_that_can_be_typed() -> None:
    good = Organization(org_id="org_1", name="good", members=("adam", "carol"))
    assert Options(users=(ADMIN,), organizations=(good,)).organization("org_1") == good
    bad = Organization(org_id="org_2", name="bad", members=("Zoë Z", "carol"))
    (fault,) = faults_of(organizations=(bad,))
    assert fault == "The organization bad has a member that nobody can be: 'Zo\\xeb Z' is no user's sub."


def test_groups_are_in_id_tokens_and_access_tokens_and_claims_of_ones_own_in_id_tokens() -> None:
    world = World(options=Options(users=(ADMIN,)))
    tokens = world.tokens("adam", scope="openid", audience="https://api.example")
    identity = cast("dict[str, object]", world.verified(tokens["id_token"]).claims)
    access = cast("dict[str, object]", world.verified(tokens["access_token"]).claims)
    assert (identity["groups"], identity["department"]) == (["admin", "staff"], "tools")
    assert "name" not in identity
    assert access["groups"] == ["admin", "staff"]
    assert "department" not in access
