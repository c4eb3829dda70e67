"""gate.js, run by Node in a page of a few objects: what it stores, where it goes, and when it does not."""

import gzip
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from vector_files import vectors

from spa_auth.protocol import form, pkce
from spa_auth.protocol.authorization import authorization_request
from spa_auth.protocol.flows import LoginRequest
from spa_auth.protocol.metadata import ServerMetadata
from spa_auth.protocol.recipe import RECIPE_PREFIX, TRIED_PREFIX, dump_recipe
from spa_auth.protocol.session import dump_hint
from spa_auth.protocol.transaction import TRANSACTION_PREFIX, parse_transaction

HERE = Path(__file__).parent
GATE = HERE.parents[1] / "web" / "gate.js"
VECTOR = vectors("transaction")
PINNED: dict[str, Any] = VECTOR["transaction"]
TRANSACTION = parse_transaction(json.dumps(PINNED), PINNED["state"])
ISSUER, CLIENT_ID, NOW = TRANSACTION.issuer, TRANSACTION.client_id, TRANSACTION.created_at
ID = f"{ISSUER}:{CLIENT_ID}"
RECIPE, HINT, TRIED = RECIPE_PREFIX + ID, f"spa_auth:hint:{ID}", TRIED_PREFIX + ID
SERVER = ServerMetadata(issuer=ISSUER, authorization_endpoint="https://id.example/authorize")
# The endpoint of the vector's login; what the gate draws are the vector's three secrets.
RANDOMS = [PINNED["state"][1:], PINNED["nonce"], PINNED["code_verifier"]]
UNTIL = NOW + 3600


def login(endpoint: str = "https://id.example/authorize", **parameters: str) -> LoginRequest:
    server = SERVER._replace(authorization_endpoint=endpoint)
    return LoginRequest(TRANSACTION, authorization_request(server, TRANSACTION, parameters))


def recipe(login: LoginRequest, *, silent: bool = False, until: int = UNTIL) -> dict[str, str]:
    quiet = LoginRequest(TRANSACTION, authorization_request(SERVER, TRANSACTION, {"prompt": "none"}))
    text = dump_recipe(until=until, login=login, silent=quiet if silent else None)
    assert text is not None
    return {RECIPE: text}


def edited(**changes: object) -> dict[str, str]:
    """A recipe that some script has changed: members of its login."""
    stored = json.loads(recipe(login())[RECIPE])
    for name, value in changes.items():
        target = stored["login"] if name == "url" else stored["login"]["record"]
        target[name] = value
    return {RECIPE: json.dumps(stored)}


def hint(until: object = UNTIL) -> dict[str, str]:
    return {HINT: dump_hint(until) if isinstance(until, int) else json.dumps({"v": 1, "until": until})}


class Outcome(NamedTuple):
    """What a page looks like afterwards."""

    html: str
    left: list[tuple[str, str]]
    answers: list[bool]
    prevented: int
    busy: list[bool]
    local: dict[str, str]
    session: dict[str, str]

    @property
    def url(self) -> str:
        ((_, url),) = self.left
        return url

    @property
    def query(self) -> dict[str, str]:
        return form.unique(form.parse(self.url.partition("?")[2]))

    @property
    def pending(self) -> list[str]:
        return [name for name in self.session if name.startswith(TRANSACTION_PREFIX)]


def page(*steps: str, **world: object) -> Outcome:
    """Load a page with the gate, and do these steps."""
    node = shutil.which("node")
    assert node is not None, "Node.js 20 or newer is needed"
    described = {
        "href": f"https://app.example{PINNED['return_to']}",
        "now": NOW,
        "randoms": [*RANDOMS, *["c" * 42 + "w"] * 9],
        "script": {"issuer": ISSUER, "clientId": CLIENT_ID},
        "local": {},
        "session": {},
        "steps": steps,
        **world,
    }
    command = [node, str(HERE / "gate_world.mjs"), str(GATE)]
    done = subprocess.run(command, input=json.dumps(described), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    found["left"] = [tuple(each) for each in found["left"]]
    return Outcome(**found)


def test_the_gate_is_one_small_script_without_inline_code_or_requests() -> None:
    """S15, W16."""
    source = GATE.read_bytes()
    assert len(gzip.compress(source, 9)) < 1500
    for forbidden in ("fetch(", "XMLHttpRequest", "innerHTML", "postMessage", "eval(", "Function(", "import("):
        assert forbidden not in source.decode()


def test_a_hint_says_signed_in_before_python_is_up() -> None:
    assert page(local=hint()).html == "signed-in"
    assert page().html == "signed-out"


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "7", '"x"', "{", '{"v":2,"until":9e12}', '{"v":1}', '{"v":1,"until":{}}']
)
def test_a_damaged_hint_is_none(text: str) -> None:
    """Anybody of this origin may have written it (S-group)."""
    assert page(local={HINT: text}).html == "signed-out"


def test_a_hint_ends_when_it_says() -> None:
    assert page(local=hint(NOW + 1)).html == "signed-in"
    assert page(local=hint(NOW)).html == "signed-out"


def test_the_hint_of_another_client_is_none() -> None:
    """S21."""
    assert page(local={f"spa_auth:hint:{ISSUER}:other": dump_hint(UNTIL)}).html == "signed-out"


def test_s11_a_polluted_prototype_answers_for_no_missing_member() -> None:
    polluted = {"until": UNTIL, "v": 1, "login": json.loads(recipe(login())[RECIPE])["login"]}
    assert page(local={HINT: "{}"}, polluted=polluted).html == "signed-out"
    outcome = page("click", local={RECIPE: json.dumps({"v": 1, "until": UNTIL})}, polluted=polluted)
    assert outcome.left == []


def test_blocked_storage_leaves_a_page_that_is_signed_out_and_keeps_clicks() -> None:
    """S23."""
    outcome = page("click", "ask", blocked=True)
    assert (outcome.html, outcome.answers, outcome.left) == ("signed-out", [True], [])


def test_without_a_recipe_a_click_is_kept_and_given_out_once() -> None:
    outcome = page("click", "click", "ask", "ask", "click", "ask")
    assert outcome.answers == [True, False, False]
    assert outcome.busy == [True, True, False, False, False, False]
    assert outcome.prevented == 2  # after it was asked, the gate leaves clicks to Python
    assert outcome.left == []


def test_no_click_is_no_login() -> None:
    outcome = page("click elsewhere", "ask", local=recipe(login()))
    assert (outcome.answers, outcome.prevented, outcome.left) == ([False], 0, [])


def test_a_click_that_is_kept_is_forgotten_when_the_page_is_left_another_way() -> None:
    assert page("click", "pagehide", "ask").answers == [False]


def test_with_a_recipe_the_gate_writes_the_pinned_transaction() -> None:
    """The vector that Python and callback.js share: Python reads what the gate wrote, to the letter."""
    outcome = page("click", local=recipe(login()))
    assert outcome.pending == [VECTOR["transaction_key"]]
    record = outcome.session[VECTOR["transaction_key"]]
    assert json.loads(record) == PINNED
    assert parse_transaction(record, PINNED["state"]) == TRANSACTION


def test_with_a_recipe_the_gate_goes_where_python_would_go() -> None:
    """A01: S256 of a verifier of 256 bits, state and nonce; nothing twice."""
    outcome = page("click", local=recipe(login(login_hint="a&b=c#d+é", prompt="login")))
    wanted = dict(form.parse(login(login_hint="a&b=c#d+é", prompt="login").request.url.partition("?")[2]))
    assert outcome.left[0][0] == "assign"
    assert outcome.query == wanted
    assert outcome.query["code_challenge"] == pkce.code_challenge(TRANSACTION.code_verifier)
    assert outcome.query["code_challenge_method"] == "S256"


def test_each_login_has_secrets_of_its_own() -> None:
    """A02, A22: a slot for each state."""
    session: dict[str, str] = {}
    for letter in "abc":
        drawn = [f"{letter * 41}{place}w" for place in "123"]
        session = page("click", local=recipe(login()), randoms=drawn, session=session).session
    read = [parse_transaction(record, name.removeprefix(TRANSACTION_PREFIX)) for name, record in session.items()]
    assert (
        len({each.state for each in read} | {each.nonce for each in read} | {each.code_verifier for each in read}) == 9
    )


def test_a_second_click_while_the_page_leaves_does_nothing_and_python_does_not_log_in_as_well() -> None:
    outcome = page("click", "click", "ask", local=recipe(login()))
    assert len(outcome.left) == len(outcome.pending) == 1
    assert outcome.answers == [False]


def test_a_page_that_is_shown_again_can_leave_again() -> None:
    outcome = page("click", "pagehide", "click", local=recipe(login()))
    assert len(outcome.left) == len(outcome.pending) == 2


def test_the_query_of_an_endpoint_is_kept() -> None:
    outcome = page("click", local=recipe(login("https://id.example/authorize?p=sign-in#frag")))
    assert outcome.url.startswith("https://id.example/authorize?p=sign-in&")
    assert "#" not in outcome.url
    assert outcome.query["p"] == "sign-in"


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://127.0.0.1:9400/authorize",
        "http://localhost/authorize",
        "http://[::1]:9400/authorize",
        "https://id.example:8443/a",
    ],
)
def test_https_and_loopback_are_gone_to(endpoint: str) -> None:
    assert page("click", local=recipe(login(endpoint))).url.startswith(endpoint)


QUERY = "?" + login().request.url.partition("?")[2]


@pytest.mark.parametrize(
    "url",
    [
        "http://id.example/authorize" + QUERY,
        "http://127.evil.example/authorize" + QUERY,
        "http://localhost.evil.example/authorize" + QUERY,
        "http://localhost:x@evil.example/authorize" + QUERY,
        "javascript:alert(1)//" + QUERY,
        "data:text/html,x" + QUERY,
        "blob:https://app.example/1" + QUERY,
        "//id.example/authorize" + QUERY,
        "/authorize" + QUERY,
        "ftp://id.example/authorize" + QUERY,
        "",
        7,
        None,
    ],
)
def test_a27_an_edited_recipe_leads_to_no_address_that_is_not_encrypted(url: object) -> None:
    """The click is Python's then, which asks the provider itself where logins begin."""
    outcome = page("click", "ask", local=edited(url=url))
    assert (outcome.left, outcome.pending, outcome.answers) == ([], [], [True])


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "https://evil.example/",
        "https://app.example.evil/",
        "https://app.example@evil/",
        "//evil/",
        "/callback.html",
        "",
        7,
        None,
    ],
)
def test_a26_an_edited_redirect_uri_of_another_origin_is_not_used(redirect_uri: object) -> None:
    outcome = page("click", "ask", local=edited(redirect_uri=redirect_uri))
    assert (outcome.left, outcome.pending, outcome.answers) == ([], [], [True])
    url = f"https://id.example/authorize?{form.encode({'redirect_uri': str(redirect_uri)})}"
    outcome = page("click", "ask", local=edited(redirect_uri=redirect_uri, url=url))
    assert (outcome.left, outcome.pending, outcome.answers) == ([], [], [True])


def test_a26_the_address_and_the_record_have_to_name_the_same_redirect_uri() -> None:
    url = f"https://id.example/authorize?{form.encode({'redirect_uri': 'https://evil.example/'})}"
    outcome = page("click", "ask", local=edited(url=url))
    assert (outcome.left, outcome.pending, outcome.answers) == ([], [], [True])


@pytest.mark.parametrize(
    ("href", "return_to"),
    [
        ("https://app.example/", "/"),
        ("https://app.example//evil.example/", "/evil.example/"),
        ("https://app.example///evil.example/?a#b", "/evil.example/?a#b"),
        ("https://app.example/a?b=//evil.example", "/a?b=//evil.example"),
    ],
)
def test_a25_the_way_back_is_this_page_on_this_origin(href: str, return_to: str) -> None:
    """Whatever a recipe says: where to return is never taken from it."""
    outcome = page("click", href=href, local=edited(return_to="https://evil.example/"))
    (name,) = outcome.pending
    assert json.loads(outcome.session[name])["return_to"] == return_to


@pytest.mark.parametrize(
    "stored",
    ["", "null", "[]", "{", "{}", '{"v":1}', '{"v":1,"until":9e12,"login":7}', '{"v":1,"until":9e12,"login":{}}'],
)
def test_a_damaged_recipe_is_none(stored: str) -> None:
    outcome = page("click", "ask", local={RECIPE: stored})
    assert (outcome.left, outcome.pending, outcome.answers) == ([], [], [True])


def test_an_old_recipe_is_none() -> None:
    assert page("click", "ask", local=recipe(login(), until=NOW)).answers == [True]
    assert len(page("click", local=recipe(login(), until=NOW + 1)).left) == 1


@pytest.mark.parametrize(
    "world",
    [
        {"href": "https://app.example/?code=c&state=s"},
        {"href": "https://app.example/#state=s"},
        {"session": {"spa_auth:response:rx": "code=c"}},
        {"session": {f"{TRANSACTION_PREFIX}{number}": "{}" for number in range(10)}},
        {"full": True},
        {"insecure": True},
    ],
    ids=["answer in the query", "in the fragment", "from the callback page", "ten pending", "full", "insecure"],
)
def test_the_gate_leaves_to_python_what_it_cannot_do_well(world: dict[str, object]) -> None:
    """A22, A24: an answer that waits is read by Python first, and never becomes part of an address to return to."""
    outcome = page("click", "ask", local={**recipe(login(), silent=True), **hint()}, **world)
    assert (outcome.left, outcome.answers) == ([], [True])
    assert TRIED not in outcome.session


def test_the_tenth_pending_login_is_still_the_gates() -> None:
    session = {f"{TRANSACTION_PREFIX}{number}": "{}" for number in range(9)}
    assert len(page("click", local=recipe(login()), session=session).left) == 1


def test_a_silent_login_by_redirect_leaves_before_python_is_up() -> None:
    outcome = page(local={**recipe(login(), silent=True), **hint()})
    assert outcome.left[0][0] == "replace"  # so "back" does not lead into a login
    assert outcome.query["prompt"] == "none"
    assert outcome.pending == [VECTOR["transaction_key"]]
    assert outcome.session[TRIED] == str(UNTIL)


@pytest.mark.parametrize(
    "world",
    [
        {"local": recipe(login(), silent=True)},
        {"local": {**recipe(login(), silent=True), **hint(NOW)}},
        {"local": {**recipe(login()), **hint()}},
        {"local": hint()},
        {"local": {**recipe(login(), silent=True), **hint()}, "framed": True},
        {"local": {**recipe(login(), silent=True), **hint()}, "session": {TRIED: str(UNTIL)}},
    ],
    ids=["no hint", "old hint", "not asked for", "no recipe", "in a frame", "tried"],
)
def test_w10_without_a_reason_nothing_leaves_by_itself(world: dict[str, object]) -> None:
    """Only with a hint, only where the recipe says so, only at the top, and once for each hint: there is no loop."""
    assert page(**world).left == []


def test_w10_a_new_login_makes_a_new_hint_that_may_be_tried_again() -> None:
    world = {**recipe(login(), silent=True), **hint(UNTIL + 1)}
    assert len(page(local=world, session={TRIED: str(UNTIL)}).left) == 1


def test_an_empty_script_tag_harms_no_page() -> None:
    outcome = page("click", "ask", script={}, local={**recipe(login(), silent=True), **hint()})
    assert (outcome.html, outcome.answers, outcome.left) == ("signed-out", [True], [])
