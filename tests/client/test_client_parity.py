"""What web/docs/migrating.md promises and no other test holds: names, parameters, and what is not sent or kept."""

import asyncio
import re
from pathlib import Path

import pytest
from client.wire import (
    CALLBACK,
    ISSUER,
    KEYS,
    PAGE,
    Wire,
    authorize_query,
    departure,
    failure,
    json_answer,
    logged_in,
    page,
)

from spa_auth.client.auth_client import AuthClient
from spa_auth.client.config import client_config
from spa_auth.dev_provider import Options
from spa_auth.dev_provider.options import Organization
from spa_auth.errors import (
    ConfigurationError,
    IDTokenError,
    IssuerMismatchError,
    MfaRequiredError,
    OrganizationMismatchError,
)
from spa_auth.protocol.form import quote
from spa_auth.protocol.http import Response
from spa_auth.protocol.jwt import parse_jwt
from spa_auth.protocol.strict_json import dumps, loads_object
from spa_auth.testing import pair

ROOT = Path(__file__).resolve().parents[2]
TENANT = "https://tenant.example/"
# Options of the reference that have no second name here; see the page for what stands in their place.
NOT_HERE = (
    "refresh_token_mode", "use_form_data", "legacy_same_site_cookie", "use_cookies_for_transactions", "cookie_domain",
    "worker_url", "interactive_error_handler", "session_transfer_token_query_param_name", "now_provider",
    "anonymous_sessions_cache_mode", "create_anonymous_session_on_failed_silent_auth", "enterprise_connect",
    "auth0_client", "authorize_timeout_in_seconds", "http_timeout_in_seconds",
)  # fmt: skip
# What the reference's login knows by name.
PARAMETERS = {
    "display": "page", "prompt": "consent", "ui_locales": "de en", "id_token_hint": "eyJ.x.y", "screen_hint": "signup",
    "login_hint": "alice@example", "connection": "google", "invitation": "inv_1", "session_transfer_token": "stt",
    "experiment_id": "e", "variation_id": "v", "segment_id": "s", "authorization_details": '[{"type":"x"}]',
}  # fmt: skip


@pytest.mark.parametrize("name", NOT_HERE)
def test_an_option_that_is_not_here_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        client_config({"issuer": ISSUER, "client_id": "demo", name: "x"})
    assert caught.value.faults == (f'There is no option "{name}".',)


@pytest.mark.parametrize("name", ["mfa", "passkey", "my_account", "anonymous", "connect_account_with_redirect"])
def test_what_belongs_to_one_provider_only_is_no_part_of_the_client(name: str) -> None:
    assert not hasattr(AuthClient, name)


@pytest.mark.parametrize("domain", ["tenant.example", "tenant.example/", "https://tenant.example", TENANT])
def test_a_domain_is_another_way_to_name_its_issuer(domain: str) -> None:
    assert client_config({"domain": domain, "client_id": "demo"}).issuer == TENANT


def test_a_domain_and_an_issuer_are_not_both_given() -> None:
    with pytest.raises(ConfigurationError) as caught:
        client_config({"domain": "tenant.example", "issuer": TENANT, "client_id": "demo"})
    assert caught.value.faults == ('Give "issuer" or "domain", not both.',)


def test_a_client_with_a_domain_logs_in_at_that_tenant_and_names_its_issuer() -> None:
    async def run() -> None:
        world = page(provider_options=Options(issuer=TENANT), issuer="", domain="tenant.example")
        auth = await world.login(await world.open())
        assert auth.user is not None
        assert auth.get_configuration() == {"issuer": TENANT, "client_id": "demo"}

    asyncio.run(run())


@pytest.mark.parametrize("name", PARAMETERS)
def test_what_the_provider_understands_reaches_it_as_it_was_given(name: str) -> None:
    async def run() -> None:
        world = page()
        await world.browser.go(
            await departure(world, await world.open(), authorization_params={name: PARAMETERS[name]})
        )
        assert authorize_query(world)[name] == PARAMETERS[name]

    asyncio.run(run())


def test_a_login_for_an_organization_is_checked_against_the_id_token() -> None:
    """A31."""

    async def run() -> None:
        acme = Organization(org_id="org_1", name="acme")
        world = page(provider_options=Options(organizations=(acme,)))
        auth = await world.login(await world.open(), authorization_params={"organization": "acme", "invitation": "i1"})
        query = authorize_query(world)
        assert (query["organization"], query["invitation"]) == ("acme", "i1")
        assert auth.user is not None
        assert auth.user["org_id"] == "org_1"
        wire = Wire(world)
        wire.changes["/oauth/token"] = lambda answer: claims_changed(answer, org_id="org_2", org_name="evil")
        auth = await world.leave_and_return(auth, authorization_params={"organization": "acme"})
        assert auth.redirect_result is not None
        assert isinstance(auth.redirect_result.error, OrganizationMismatchError)

    asyncio.run(run())


def claims_changed(response: Response, **changes: object) -> Response:
    """The same answer with other claims in its ID token, signed anew."""
    members = loads_object(response.body)
    claims = {**parse_jwt(str(members["id_token"])).claims, **changes}
    return response._replace(body=dumps({**members, "id_token": KEYS.sign("JWT", claims)}))


@pytest.mark.parametrize(("trusted", "error"), [(["project-1"], None), ([], "invalid_token")])
def test_an_id_token_for_a_further_audience_is_accepted_where_that_is_trusted(
    trusted: list[str], error: str | None
) -> None:
    """I06."""

    async def run() -> None:
        world = page(window=False, trusted_audiences=trusted)
        wire = Wire(world)
        wire.changes["/oauth/token"] = lambda answer: claims_changed(answer, aud=["demo", "project-1"], azp="demo")
        auth = await world.open()
        found = None
        try:
            await world.login(auth)
        except IDTokenError as raised:
            found = raised.error
        assert (found, auth.user is None) == (error, error is not None)

    asyncio.run(run())


@pytest.mark.parametrize(("tenant", "error"), [("red", None), ("blue", "issuer_mismatch")])
def test_a_user_of_a_listed_tenant_logs_in_and_one_of_another_does_not(tenant: str, error: str | None) -> None:
    """I05, M04."""

    async def run() -> None:
        template = f"{ISSUER}{{tenantid}}/v2.0"
        server = {"issuer": template, "jwks_uri": f"{ISSUER}.well-known/jwks.json"}
        ends = {"authorization_endpoint": f"{ISSUER}authorize", "token_endpoint": f"{ISSUER}oauth/token"}
        world = page(window=False, issuer=template, tenants=["red", "green"], metadata={**server, **ends})
        wire = Wire(world)
        of = template.replace("{tenantid}", tenant)
        wire.changes["/oauth/token"] = lambda answer: claims_changed(answer, iss=of, tid=tenant)
        wire.changes["redirect"] = lambda answer: answer._replace(
            headers=(("Location", (answer.header("location") or "").replace(quote(ISSUER), quote(of))),)
        )
        auth = await world.open()
        found = None
        try:
            await world.login(auth)
        except IssuerMismatchError as raised:
            found = raised.error
        assert (found, auth.user is None) == (error, error is not None)

    asyncio.run(run())


def test_a_refresh_posts_what_the_protocol_needs_and_none_of_the_parameters_of_a_login() -> None:
    async def run() -> None:
        _, wire, auth = await logged_in(
            authorization_params={"login_hint": "alice@example", "ui_locales": "de", "organization": "acme"},
            provider_options=Options(organizations=(Organization(org_id="org_1", name="acme"),)),
        )
        await auth.get_token_silently(cache_mode="off")
        assert set(wire.posts[-1]) == {"grant_type", "client_id", "refresh_token"}

    asyncio.run(run())


def test_no_request_says_which_library_sent_it_and_none_to_the_token_endpoint_has_to_be_announced() -> None:
    async def run() -> None:
        world, wire, auth = await logged_in()
        await auth.get_token_silently(cache_mode="off")
        names = {name.lower() for request in world.browser.sent for name, _ in request.headers}
        assert names <= {"content-type", "accept"}
        assert "OPTIONS /oauth/token" not in wire.asked
        assert "auth0Client" not in authorize_query(world)

    asyncio.run(run())


def test_nothing_that_runs_in_a_page_reads_or_writes_a_cookie() -> None:
    scripts = [ROOT / "web" / "gate.js", ROOT / "web" / "callback.js"]
    modules = [path for ring in ("client", "browser") for path in (ROOT / "spa_auth" / ring).rglob("*.py")]
    assert len(modules) > 30
    assert not [path.name for path in [*scripts, *modules] if re.search(r"\.cookie\b|cookieStore", path.read_text())]


def test_a_clock_of_the_application_is_the_only_clock_of_its_client() -> None:
    async def run() -> None:
        shift = [0]
        world = page(window=False)
        wire = Wire(world)
        auth = await world.login(await world.open(clock=lambda: world.clock() + shift[0]))
        first = await auth.get_token_silently()
        shift[0] = 599
        assert await auth.get_token_silently() != first
        shift[0] = 86_400
        world.browser.choice = {"user": "alice"}
        await auth.login_with_redirect(open_url=world.browser.go)
        shift[0] = 2 * 86_400
        error = await failure(auth.handle_redirect_callback(world.browser.visited[-1]))
        assert error.error == "transaction_expired"
        assert len(wire.posts) == 2

    asyncio.run(run())


def test_an_id_token_that_is_past_by_the_applications_clock_is_refused() -> None:
    async def run() -> None:
        shift = [0]
        world = page(window=False)
        wire = Wire(world)

        def later(answer: Response) -> Response:
            shift[0] = 86_400
            return answer

        auth = await world.open(clock=lambda: world.clock() + shift[0])
        wire.changes["/oauth/token"] = later
        world.browser.choice = {"user": "alice"}
        await auth.login_with_redirect(open_url=world.browser.go)
        error = await failure(auth.handle_redirect_callback(world.browser.visited[-1]))
        assert isinstance(error, IDTokenError)
        assert error.claim == "exp"

    asyncio.run(run())


def test_the_id_token_itself_is_in_the_detailed_response_and_not_among_the_claims() -> None:
    async def run() -> None:
        _, _, auth = await logged_in()
        claims = await auth.get_id_token_claims()
        details = await auth.get_token_silently(detailed_response=True)
        assert claims is not None
        assert details.id_token is not None
        assert "__raw" not in claims
        assert dict(parse_jwt(details.id_token).claims) == dict(claims)

    asyncio.run(run())


def test_the_three_ways_to_ask_who_is_logged_in_give_one_answer() -> None:
    async def run() -> None:
        world = pair(keys=KEYS)
        auth = await world.open()
        assert (auth.user, await auth.get_user(), await auth.is_authenticated()) == (None, None, False)
        auth = await world.login(auth)
        assert auth.user is not None
        assert await auth.get_user() is auth.user
        assert await auth.is_authenticated()

    asyncio.run(run())


def test_where_a_second_factor_is_wanted_the_error_says_so_and_carries_no_token() -> None:
    """S03."""

    async def run() -> None:
        _, wire, auth = await logged_in()
        wire.answers = [json_answer({"error": "mfa_required", "mfa_token": "CANARY-mfa"}, 403)]
        error = await failure(auth.get_token_silently(cache_mode="off"))
        assert isinstance(error, MfaRequiredError)
        assert "CANARY" not in f"{error} {vars(error)}"
        assert auth.user is not None

    asyncio.run(run())


def test_one_redirect_uri_serves_every_login_and_a_call_cannot_name_another() -> None:
    """A03."""

    async def run() -> None:
        world = page()
        auth = await world.open()
        seen: list[str] = []
        error = await failure(
            auth.login_with_redirect(authorization_params={"redirect_uri": PAGE}, open_url=seen.append)
        )
        assert isinstance(error, ConfigurationError)
        assert seen == []
        await world.browser.go(await departure(world, auth))
        assert authorize_query(world)["redirect_uri"] == CALLBACK

    asyncio.run(run())
