import pytest
from dev_provider.harness import World, answered

from spa_auth.dev_provider import Options
from spa_auth.dev_provider.options import Organization

ACME = Organization(org_id="org_1", name="acme", members=("alice", "carol"))
OPEN = Organization(org_id="org_2", name="everybody")
OPTIONS = Options(organizations=(ACME, OPEN))


def organization_of(world: World) -> str | None:
    [grant] = world.provider._service.grants
    return grant.organization


@pytest.mark.parametrize("word", ["org_1", "acme"])
def test_a_member_logs_in_for_an_organization_by_its_identifier_or_name(word: str) -> None:
    world = World(OPTIONS)
    assert "code" in world.login("alice", organization=word)
    assert organization_of(world) == "org_1"


def test_a_login_for_none_has_none() -> None:
    world = World(OPTIONS)
    world.login()
    assert organization_of(world) is None


def test_everybody_is_a_member_where_no_members_are_named() -> None:
    assert "code" in World(OPTIONS).login("bob", organization="everybody")


@pytest.mark.parametrize("options", [OPTIONS, Options()])
def test_an_unknown_organization_is_an_invalid_request(options: Options) -> None:
    assert answered(World(options).authorize(organization="nobody"))["error"] == "invalid_request"


def test_the_page_names_the_organization_and_shows_its_members_only() -> None:
    world = World(OPTIONS)
    page = world.visit("GET", world.authorize(organization="org_1").header("location") or "").body
    assert b"for <strong>acme</strong>" in page
    assert b"alice@example.com" in page
    assert b"bob@example.com" not in page


@pytest.mark.parametrize("fields", [{"user": "bob"}, {"name": "Bob"}, {"name": "Mallory"}])
def test_who_is_no_member_is_denied_access_at_the_application(fields: dict[str, str]) -> None:
    world = World(OPTIONS)
    answer = answered(world.answer(world.authorize(organization="acme"), **fields))
    assert (answer["error"], answer["state"]) == ("access_denied", "s-1")
    assert world.trace.count("authorization.error") == 1
    assert not list(world.provider._service.grants)


def test_a_member_can_type_the_name() -> None:
    world = World(OPTIONS)
    assert "code" in answered(world.answer(world.authorize(organization="acme"), name="Carol"))


def test_the_session_of_who_is_no_member_is_asked_for_another_login() -> None:
    world = World(OPTIONS)
    world.login("bob")
    assert answered(world.authorize(prompt="none", organization="acme"))["error"] == "login_required"
    assert "code" in answered(world.answer(world.authorize(organization="acme"), user="alice"))
    assert "code" in answered(world.authorize(prompt="none", organization="acme"))
