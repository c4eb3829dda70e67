from pathlib import Path
from typing import cast

import pytest

from spa_auth.dev_provider import DEMO, Api, Client, Options, Organization, User
from spa_auth.dev_provider.configuration import configuration_text, options_of, read_configuration
from spa_auth.errors import ConfigurationError
from spa_auth.protocol.scope import Scope

WHOLE = """
issuer = "http://127.0.0.1:9500/"
consent = true
web_message = false
dpop = "required"
access_token_lifetime = 30
initial_access_tokens = ["t0ken"]

[[users]]
sub = "adam"
name = "Adam Able"
groups = ["admin", "staff"]
updated_at = 1700000000
address = { locality = "Berlin", "postal code" = "10115" }

[[clients]]
client_id = "spa"
redirect_uris = ["http://127.0.0.1:8000/callback.html", "https://app.example/callback.html"]

[[clients]]
client_id = "service"
client_secret = "s3cr3t"
grant_types = ["client_credentials"]
scope = "read:notes write:notes"
dpop_bound_access_tokens = true

[[apis]]
audience = "https://api.example"
scopes = ["read:notes", "write:notes"]

[[organizations]]
org_id = "org_1"
name = "acme"
members = ["adam"]

[[organizations]]
org_id = "org_2"
name = "open"
"""
EXPECTED = Options(
    issuer="http://127.0.0.1:9500/",
    consent=True,
    web_message=False,
    dpop="required",
    access_token_lifetime=30,
    initial_access_tokens=("t0ken",),
    users=(
        User(
            "adam",
            {
                "name": "Adam Able",
                "groups": ["admin", "staff"],
                "updated_at": 1700000000,
                "address": {"locality": "Berlin", "postal code": "10115"},
            },
        ),
    ),
    clients=(
        Client(
            client_id="spa",
            redirect_uris=("http://127.0.0.1:8000/callback.html", "https://app.example/callback.html"),
        ),
        Client(
            client_id="service",
            client_secret="s3cr3t",
            grant_types=("client_credentials",),
            scope=Scope("read:notes write:notes"),
            dpop_bound_access_tokens=True,
        ),
    ),
    apis=(Api(audience="https://api.example", scopes=("read:notes", "write:notes")),),
    organizations=(
        Organization(org_id="org_1", name="acme", members=("adam",)),
        Organization(org_id="org_2", name="open"),
    ),
)


def written(folder: Path, text: str) -> Path:
    path = folder / "provider.toml"
    path.write_text(text, encoding="utf-8")
    return path


def faults_of(folder: Path, text: str) -> tuple[str, ...]:
    path = written(folder, text)
    with pytest.raises(ConfigurationError) as caught:
        read_configuration(path)
    return tuple(fault.removeprefix(f"{path}: ") for fault in caught.value.faults)


def test_a_file_says_all_that_options_can(tmp_path: Path) -> None:
    assert options_of(read_configuration(written(tmp_path, WHOLE))) == EXPECTED


def test_an_empty_file_changes_nothing(tmp_path: Path) -> None:
    assert options_of(read_configuration(written(tmp_path, ""))) == Options()


def test_every_field_of_the_options_can_be_written_and_read_again(tmp_path: Path) -> None:
    assert all(f"{name} = " in configuration_text(Options()) or f"[[{name}]]" in WHOLE for name in vars(Options()))
    bare = Options(clients=(Client(client_id="spa"),), apis=(Api(audience='a"\\\n\x7f'),))
    assert options_of(read_configuration(written(tmp_path, configuration_text(bare)))) == bare


def test_the_text_of_a_configuration_shows_no_secret_and_stays_a_configuration(tmp_path: Path) -> None:
    text = configuration_text(EXPECTED)
    assert "s3cr3t" not in text
    assert "t0ken" not in text
    again = options_of(read_configuration(written(tmp_path, text)))
    assert (again.users, again.apis, again.organizations) == (EXPECTED.users, EXPECTED.apis, EXPECTED.organizations)
    assert "any http redirect URI" in configuration_text(Options(clients=(DEMO,)))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("acces_token_lifetime = 5", "'acces_token_lifetime' is no option here. Did you mean access_token_lifetime?"),
        ("access-token-lifetime = 5", "'access-token-lifetime' is no option here. Did you mean access_token_lifetime?"),
        ("zzz = 5", "'zzz' is no option here."),
        ("consent = 1", "consent must be true or false, not a whole number."),
        ('code_lifetime = "60"', "code_lifetime must be a whole number, not a string."),
        ("code_lifetime = true", "code_lifetime must be a whole number, not true or false."),
        ("code_lifetime = 1.5", "code_lifetime must be a whole number, not a number with a fraction."),
        ("code_lifetime = 1990-01-01", "code_lifetime must be a whole number, not a date or time."),
        ("code_lifetime = -1", "code_lifetime must be at least 1 second."),
        ("dpop = true", "dpop must be a string, not true or false."),
        ('dpop = "maybe"', "dpop must be one of off, optional, required."),
        ('users = "alice"', "users must be a list, not a string. Write [[users]]."),
        ('users = ["alice"]', "users #1 must be a table, not a string."),
        ("[users]", "users must be a list, not a table. Write [[users]]."),
        ('[[users]]\nname = "Ann"', "users #1: sub is missing."),
        ("[[users]]\nsub = 5", "users #1: sub must be a string, not a whole number."),
        ('[[users]]\nsub = ""', "The sub '' must be 1 to 255 printable ASCII characters."),
        ('[[users]]\nsub = "a"\niss = "b"', "a has claims that the provider itself sets: iss."),
        (
            '[[users]]\nsub = "a"\nclaims = { name = "b" }',
            "users #1: write claims beside sub, not in a table of their own.",
        ),
        (
            '[[users]]\nsub = "a"\nbirthdate = 1990-01-01',
            "users #1: 'birthdate' can be no claim: JSON has no such value; write a date in quotes.",
        ),
        (
            '[[users]]\nsub = "a"\nx = [{ y = nan }]',
            "users #1: 'x' can be no claim: JSON has no such value; write a date in quotes.",
        ),
        ("[[clients]]\n", "clients #1: client_id is missing."),
        (
            '[[clients]]\nclient_id = "a"\nredirect_uri = "http://127.0.0.1/"',
            "clients #1: 'redirect_uri' is no option here. Did you mean redirect_uris?",
        ),
        (
            '[[clients]]\nclient_id = "a"\n[[clients]]\nclient_id = "b"\nredirect_uris = ["http://127.0.0.1/", 5]',
            "clients #2: redirect_uris #2 must be a string, not a whole number.",
        ),
        ('[[clients]]\nclient_id = "a"\nscope = ["b"]', "clients #1: scope must be a string, not a list."),
        ('[[apis]]\naudience = "a"\nscopes = "b"', "apis #1: scopes must be a list, not a string."),
        (
            '[[organizations]]\norg_id = "o"\nname = "n"\nmembers = ["Zoë"]',
            "The organization n has a member that nobody can be: 'Zo\\xeb' is no user's sub.",
        ),
    ],
)
def test_what_is_wrong_is_named_by_file_and_key(tmp_path: Path, text: str, fault: str) -> None:
    assert faults_of(tmp_path, text) == (fault,)


def test_all_faults_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    text = 'consnt = true\ndpop = 5\n[[clients]]\nname = "a"\n[[users]]\nsub = 1\n'
    assert len(faults_of(tmp_path, text)) == 4
    assert len(faults_of(tmp_path, f"code_lifetime = 0\n{text}")) == 5


def test_members_are_not_judged_by_users_that_cannot_be_read(tmp_path: Path) -> None:
    text = '[[users]]\nsub = "Zoë"\nx = 1990-01-01\n[[organizations]]\norg_id = "o"\nname = "n"\nmembers = ["Zoë"]\n'
    assert len(faults_of(tmp_path, text)) == 1


def test_no_fault_shows_a_secret(tmp_path: Path) -> None:
    text = (
        'initial_access_tokens = "s3cr3t"\n[[clients]]\nclient_id = "a"\nclient_secret = ["s3cr3t"]\n'
        '[[clients]]\nclient_id = "b"\nclient_secret = "s3cr3t"\ngrant_types = ["nonsense"]\n'
    )
    for part in (text, text.replace('= ["s3cr3t"]', '= "s3cr3t"').replace("initial_access_tokens", "#")):
        assert "s3cr3t" not in " ".join(faults_of(tmp_path, part))


@pytest.mark.parametrize("text", ["consent = ", "consent = true\nconsent = true\n", "a = [", "= 5"])
def test_what_is_not_toml_is_said_with_its_place(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"provider\.toml is not TOML: .* \(at "):
        read_configuration(written(tmp_path, text))


def test_a_file_that_cannot_be_read_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"missing\.toml cannot be read: No such file"):
        read_configuration(tmp_path / "missing.toml")
    latin = tmp_path / "latin.toml"
    latin.write_bytes('# für "alle"'.encode("latin-1"))
    with pytest.raises(ConfigurationError, match=r"latin\.toml is not UTF-8"):
        read_configuration(latin)


def test_a_file_nested_without_end_is_refused_and_breaks_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"provider\.toml"):
        read_configuration(written(tmp_path, "a = " + "[" * 100_000))


def test_claims_are_what_json_can_say(tmp_path: Path) -> None:
    text = '[[users]]\nsub = "a"\nn = 1\nf = 1.5\nb = true\nl = [1, "x"]\nt = { u = { v = false } }'
    (user,) = cast("tuple[User, ...]", read_configuration(written(tmp_path, text))["users"])
    assert dict(user.claims) == {"n": 1, "f": 1.5, "b": True, "l": [1, "x"], "t": {"u": {"v": False}}}
