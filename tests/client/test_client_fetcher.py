"""Requests to APIs: where a token may go, what an API's refusal becomes, and what a caller gets."""

import asyncio
import json
from typing import Any

import pytest
from client.wire import (
    API,
    AUDIENCE,
    ISSUER,
    OUTAGE,
    PAGE,
    Api,
    Wire,
    challenge,
    error_answer,
    failure,
    json_answer,
    logged_in,
    page,
    pending,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from spa_auth.errors import (
    ConfigurationError,
    InsufficientScopeError,
    InsufficientUserAuthenticationError,
    LoginRequiredError,
    NetworkError,
    ProtocolError,
    ResponseError,
    SpaAuthError,
    TargetNotAllowedError,
)
from spa_auth.protocol.http import Response

INVALID = challenge('Bearer error="invalid_token", error_description="expired"')


def test_a_call_carries_the_token_and_gives_the_answer_in_every_shape(window: bool) -> None:
    async def run() -> None:
        world, _, auth = await logged_in(window=window)
        api = Api(world)
        assert await auth.fetch_with_auth("/notes").json() == {"notes": ["milk"]}
        assert await auth.fetch_with_auth("notes").text() == '{"notes":["milk"]}'
        assert await auth.fetch_with_auth(f"{API}/notes?q=1#part").bytearray() == bytearray(b'{"notes":["milk"]}')
        response = await auth.fetch_with_auth("/notes")
        assert (response.status, response.ok, response.url) == (200, True, f"{API}/notes")
        assert response.headers.get("content-TYPE") == "application/json"
        assert (response.headers.get("x-none"), response.headers.get("x-none", "-")) == (None, "-")
        assert repr(response) == "<FetchResponse 200>"
        assert api.tokens == [await auth.get_token_silently()] * 4
        assert [request.url for request in api.requests][2] == f"{API}/notes?q=1"

    asyncio.run(run())


def test_one_chain_is_one_request_and_without_await_none(window: bool) -> None:
    """F09."""

    async def run() -> None:
        world, _, auth = await logged_in(window=window)
        api = Api(world)
        chain = auth.fetch_with_auth("/notes")
        await asyncio.sleep(0)
        assert api.requests == []
        assert (await chain).status == 200
        assert await chain.json() == json.loads(await chain.text())
        assert len(api.requests) == 1

    asyncio.run(run())


def test_bodies_and_headers_are_sent_as_given(window: bool) -> None:
    async def run() -> None:
        world, _, auth = await logged_in(window=window)
        api = Api(world)
        await auth.fetch_with_auth("/notes", method="post", json={"text": "ä"}, headers={"X-Trace": "1"})
        await auth.fetch_with_auth("/notes", method="PUT", body="ä", headers={"Content-Type": "text/plain"})
        await auth.fetch_with_auth("/notes", method="POST", body=b"\x00", json=None)
        await auth.fetch_with_auth("/notes", method="POST", json=[1], headers={"content-type": "application/x"})
        first, second, third, fourth = api.requests
        assert (first.method, json.loads(first.body)) == ("POST", {"text": "ä"})
        assert (first.header("content-type"), first.header("x-trace")) == ("application/json", "1")
        assert (second.body, second.header("content-type")) == ("ä".encode(), "text/plain")
        assert third.body == b"\x00"
        assert fourth.header("content-type") == "application/x"

    asyncio.run(run())


@pytest.mark.parametrize(
    "options",
    [{"headers": {"authorization": "Bearer mine"}}, {"headers": {"DPoP": "x"}}, {"body": "a", "json": 1},
     {"method": "GET /\r\nX: 1"}, {"method": ""}],
)  # fmt: skip
def test_a_call_that_contradicts_itself_is_refused_and_nothing_is_sent(window: bool, options: dict[str, Any]) -> None:
    """F06, F07."""

    async def run() -> None:
        world, _, auth = await logged_in(window=window)
        api = Api(world)
        assert isinstance(await failure(auth.fetch_with_auth("/notes", **options)), ConfigurationError)
        assert api.requests == []

    asyncio.run(run())


@pytest.mark.parametrize(
    ("base_url", "url", "expected"),
    [
        (API, "/notes", "/notes"),
        (API, "notes", "/notes"),
        (f"{API}/", "/notes", "/notes"),
        (f"{API}/v1", "/notes", "/v1/notes"),
        (f"{API}/v1/", "notes?next=http://x.example/../y", "/v1/notes?next=http://x.example/../y"),
        (f"{API}/v1", "", "/v1/"),
        (f"{API}/v1", "?q=1#/../x", "/v1/?q=1"),
        (f"{API}/v1", f"{API}/v2/notes", "/v2/notes"),
        (f"{API}/v1", "a..b/...", "/v1/a..b/..."),
    ],
)
def test_relative_addresses_are_under_the_base_url(window: bool, base_url: str, url: str, expected: str) -> None:
    async def run() -> None:
        world, _, auth = await logged_in(window=window, base_url=base_url)
        api = Api(world)
        await auth.fetch_with_auth(url)
        assert api.requests[0].url == API + expected

    asyncio.run(run())


@pytest.mark.parametrize(
    "url",
    ["https://evil.example/", "https://evil.example/?u=http://127.0.0.1:9402", "//evil.example/", "/\\evil.example",
     "\\\\evil.example", "https:evil", "https://127.0.0.1:9402@evil.example/", "http://127.0.0.1:9402.evil.example/",
     "ht\ttps://evil.example", "https://evil.example:9402/", "https://127.0.0.1:9402/", "http://127.0.0.1:9403/",
     "http://127.1:9402/", "http://\uff11\uff12\uff17.0.0.1:9402/", "javascript:alert(1)", "data:text/plain,x",
     "blob:http://127.0.0.1:9402/x", "/a\nb", "/a\tb", "/ä", " /notes", "http://127.0.0.1:9402\\@evil.example/"],
)  # fmt: skip
def test_no_other_origin_sees_a_token(window: bool, url: str) -> None:
    """F01, F02."""

    async def run() -> None:
        world, _, auth = await logged_in(window=window)
        sent = len(world.browser.sent)
        error = await failure(auth.fetch_with_auth(url))
        assert isinstance(error, TargetNotAllowedError)
        assert len(world.browser.sent) == sent

    asyncio.run(run())


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "https:",
                "http:",
                "//",
                "/",
                "\\",
                "@",
                "evil.example",
                "127.0.0.1:9402",
                "..",
                "%2e",
                "?",
                "#",
                "\t",
                ":",
            ]
        ),
        max_size=8,
    ).map("".join)
)
def test_whatever_is_put_together_a_token_stays_with_the_api_and_under_its_path(url: str) -> None:
    """F01, F02, F03."""

    async def run() -> None:
        world, _, auth = await logged_in(base_url=f"{API}/v1")
        Api(world)
        sent = len(world.browser.sent)
        try:
            await auth.fetch_with_auth(url)
        except SpaAuthError:
            assert len(world.browser.sent) == sent
        else:
            address = world.browser.sent[-1].url
            assert address.startswith(f"{API}/v1/" if not url.startswith("http") else API)

    asyncio.run(run())


@pytest.mark.parametrize(
    "path", ["../x", "/../x", "a/../../x", "..", "a/..", "%2e%2E/x", ".%2e", "./x", "..#x", "..?x"]
)
def test_a_path_does_not_leave_the_base_url(window: bool, path: str) -> None:
    """F03."""

    async def run() -> None:
        world, _, auth = await logged_in(window=window, base_url=f"{API}/v1")
        api = Api(world)
        assert isinstance(await failure(auth.fetch_with_auth(path)), TargetNotAllowedError)
        assert api.requests == []

    asyncio.run(run())


def test_a_token_never_goes_over_a_line_that_others_can_read(window: bool) -> None:
    """F04."""

    async def run() -> None:
        _, _, auth = await logged_in(window=window)
        assert (await failure(auth.fetch_with_auth("http://api.example/notes"))).error == "insecure_transport"

    asyncio.run(run())


def test_further_origins_can_be_allowed_and_only_the_listed_ones_are(window: bool) -> None:
    """F01."""

    async def run() -> None:
        world, _, auth = await logged_in(window=window, base_url=None, allowed_origins=[API])
        api = Api(world)
        await auth.fetch_with_auth(f"{API}/notes")
        assert len(api.requests) == 1
        error = await failure(auth.fetch_with_auth(f"{PAGE}notes"))
        assert isinstance(error, TargetNotAllowedError)
        assert error.origin == PAGE.removesuffix("/")
        assert error.origin in error.remedy

    asyncio.run(run())


def test_base_url_and_allowed_origins_count_together(window: bool) -> None:
    async def run() -> None:
        world, _, auth = await logged_in(window=window, allowed_origins=("http://127.0.0.1:9403",))
        api = Api(world)
        world.browser.servers["http://127.0.0.1:9403"] = api.handle
        await auth.fetch_with_auth("/a")
        await auth.fetch_with_auth("http://127.0.0.1:9403/b")
        assert len(api.tokens) == 2

    asyncio.run(run())


def test_without_a_base_url_addresses_are_those_of_the_page() -> None:
    async def run() -> None:
        world, _, auth = await logged_in(base_url=None)
        api = Api(world)
        world.browser.servers[PAGE.removesuffix("/")] = api.handle
        world.browser.url = f"{PAGE}sub/index.html"
        await auth.fetch_with_auth("/notes")
        await auth.fetch_with_auth("notes")
        await auth.fetch_with_auth("../notes")
        assert [request.url for request in api.requests] == [f"{PAGE}notes", f"{PAGE}sub/notes", f"{PAGE}notes"]
        assert isinstance(await failure(auth.fetch_with_auth(f"{API}/notes")), TargetNotAllowedError)
        assert isinstance(await failure(auth.fetch_with_auth("//evil.example")), TargetNotAllowedError)

    asyncio.run(run())


def test_a_relative_base_url_is_under_the_page() -> None:
    async def run() -> None:
        world, _, auth = await logged_in(base_url="api")
        api = Api(world)
        world.browser.servers[PAGE.removesuffix("/")] = api.handle
        await auth.fetch_with_auth("/notes")
        assert api.requests[0].url == f"{PAGE}api/notes"

    asyncio.run(run())


@pytest.mark.parametrize("base_url", [None, "/api"])
def test_without_a_window_a_relative_address_needs_an_absolute_base_url(base_url: str | None) -> None:
    async def run() -> None:
        _, _, auth = await logged_in(window=False, base_url=base_url)
        error = await failure(auth.fetch_with_auth("/notes"))
        assert isinstance(error, ConfigurationError)
        assert "base_url" in str(error)

    asyncio.run(run())


def test_who_is_not_logged_in_calls_nothing(window: bool) -> None:
    async def run() -> None:
        world = page(window=window)
        api = Api(world)
        auth = await world.open()
        assert isinstance(await failure(auth.fetch_with_auth("/notes").json()), LoginRequiredError)
        assert api.requests == []

    asyncio.run(run())


def test_a_token_that_the_api_calls_invalid_is_renewed_once_and_the_call_repeated(window: bool) -> None:
    """F08, F09."""

    async def run() -> None:
        world, wire, auth = await logged_in(window=window)
        world.clock.advance(10)
        api = Api(world, INVALID)
        response = await auth.fetch_with_auth("/notes", method="POST", body="milk")
        assert response.status == 200
        assert len(set(api.tokens)) == 2
        assert [request.body for request in api.requests] == [b"milk", b"milk"]
        assert len(wire.posts) == 2

    asyncio.run(run())


def test_an_api_that_refuses_for_ever_costs_one_refresh_and_gets_no_token_twice_in_a_call(window: bool) -> None:
    """F08."""

    async def run() -> None:
        world, wire, auth = await logged_in(window=window)
        world.clock.advance(10)
        api = Api(world, *[INVALID] * 6)
        for _ in range(3):
            assert (await auth.fetch_with_auth("/notes")).status == 401
        assert len(api.requests) == 4
        assert len(wire.posts) == 2

    asyncio.run(run())


def test_a_hundred_calls_with_an_invalid_token_share_one_refresh(window: bool) -> None:
    """R14, F08."""

    async def run() -> None:
        world, wire, auth = await logged_in(window=window)
        world.clock.advance(10)
        api = Api(world, *[INVALID] * 100)
        await asyncio.gather(*(auth.fetch_with_auth("/notes").text() for _ in range(100)))
        assert len(wire.posts) == 2
        assert len(api.requests) == 200

    asyncio.run(run())


@pytest.mark.parametrize(
    "answer", [json_answer({}, 401), challenge("Bearer"), challenge("Basic realm=x"), json_answer({}, 500)]
)
def test_other_refusals_are_handed_to_the_caller_and_nothing_is_repeated(window: bool, answer: Response) -> None:
    """F08, F10."""

    async def run() -> None:
        world, _, auth = await logged_in(window=window)
        api = Api(world, answer)
        response = await auth.fetch_with_auth("/notes")
        assert (response.status, response.ok) == (answer.status, False)
        assert len(api.requests) == 1

    asyncio.run(run())


def test_a_refused_token_whose_session_has_ended_means_login_required(window: bool) -> None:
    async def run() -> None:
        world, wire, auth = await logged_in(window=window)
        world.clock.advance(10)
        Api(world, INVALID)
        wire.answers = [error_answer("invalid_grant")]
        assert isinstance(await failure(auth.fetch_with_auth("/notes")), LoginRequiredError)
        assert auth.user is None

    asyncio.run(run())


def test_a_refused_token_during_an_outage_of_the_provider_is_an_outage(window: bool) -> None:
    async def run() -> None:
        world, wire, auth = await logged_in(window=window)
        world.clock.advance(10)
        api = Api(world, INVALID)
        wire.answers = [OUTAGE]
        assert isinstance(await failure(auth.fetch_with_auth("/notes")), NetworkError)
        assert (auth.user is not None, len(api.requests)) == (True, 1)

    asyncio.run(run())


def test_a_token_that_allows_too_little_is_a_typed_error_and_asks_for_nothing_by_itself(window: bool) -> None:
    """F11."""

    async def run() -> None:
        world, wire, auth = await logged_in(window=window)
        Api(
            world,
            challenge('Bearer error="insufficient_scope", scope="write:notes admin"', 403),
            challenge('Bearer error="insufficient_scope"', 403),
        )
        error = await failure(auth.fetch_with_auth("/notes"))
        assert isinstance(error, InsufficientScopeError)
        assert error.required == ("write:notes", "admin")
        assert 'scope="write:notes admin"' in error.remedy
        error = await failure(auth.fetch_with_auth("/notes"))
        assert isinstance(error, InsufficientScopeError)
        assert (error.required, error.remedy) == ((), "")
        assert len(wire.posts) == 1

    asyncio.run(run())


def test_an_api_that_wants_a_newer_login_is_a_typed_error(window: bool) -> None:
    """F11: RFC 9470."""

    async def run() -> None:
        world, wire, auth = await logged_in(window=window)
        Api(world, challenge('Bearer error="insufficient_user_authentication", max_age="60"'))
        error = await failure(auth.fetch_with_auth("/notes"))
        assert isinstance(error, InsufficientUserAuthenticationError)
        assert "max_age" in error.remedy
        assert len(wire.posts) == 1
        assert pending(world) == []

    asyncio.run(run())


@pytest.mark.parametrize("answer", [INVALID, json_answer({}, 401), challenge("Basic realm=x")])
def test_a_strict_call_names_the_audience_and_the_issuer_in_the_remedy(window: bool, answer: Response) -> None:
    async def run() -> None:
        world, wire, auth = await logged_in(window=window)
        Api(world, answer, answer)
        error = await failure(auth.fetch_with_auth("/notes", raise_for_status=True))
        assert isinstance(error, ResponseError)
        assert error.status == 401
        assert error.challenge_error == ("invalid_token" if answer is INVALID else None)
        assert f'for the audience "{AUDIENCE}"' in error.remedy
        assert ISSUER in error.remedy
        assert not any(secret in str(error) for secret in wire.secrets)

    asyncio.run(run())


def test_a_strict_call_without_an_audience_says_so(window: bool) -> None:
    async def run() -> None:
        world, _, auth = await logged_in(window=window, audience=None)
        Api(world, json_answer({}, 401))
        error = await failure(auth.fetch_with_auth("/notes", raise_for_status=True))
        assert "without an audience" in error.remedy

    asyncio.run(run())


@pytest.mark.parametrize("status", [400, 404, 503])
def test_a_strict_call_raises_for_every_other_error_too(window: bool, status: int) -> None:
    async def run() -> None:
        world, _, auth = await logged_in(window=window)
        Api(world, json_answer({}, status))
        error = await failure(auth.fetch_with_auth("/notes", raise_for_status=True))
        assert isinstance(error, ResponseError)
        assert error.status == status
        assert (await auth.fetch_with_auth("/notes", raise_for_status=True)).ok

    asyncio.run(run())


def test_an_api_that_lets_the_page_read_nothing_is_told_from_one_that_is_down() -> None:
    async def run() -> None:
        world, _, auth = await logged_in()
        Api(world, cors="")
        error = await failure(auth.fetch_with_auth("/notes"))
        assert isinstance(error, NetworkError)
        assert error.reason == "cors"
        world.browser.servers.pop(API)
        error = await failure(auth.fetch_with_auth("/notes"))
        assert isinstance(error, NetworkError)
        assert error.reason == "unreachable"

    asyncio.run(run())


def test_an_api_that_redirects_takes_no_token_along(window: bool) -> None:
    """F05."""

    async def run() -> None:
        world, _, auth = await logged_in(window=window)
        Api(world, Response(302, (("Location", "https://evil.example/"), ("Access-Control-Allow-Origin", "*"))))
        error = await failure(auth.fetch_with_auth("/notes"))
        assert isinstance(error, ProtocolError)
        assert error.error == "redirect_forbidden"

    asyncio.run(run())


@pytest.mark.parametrize(
    "bomb", ['Bearer error="' + "a" * 65_536, "Bearer " + 'a="b",' * 11_000, '"' * 65_536, "=," * 32_768]
)
def test_a_hostile_challenge_costs_no_time(window: bool, bomb: str) -> None:
    """F10."""

    async def run() -> None:
        world, _, auth = await logged_in(window=window)
        api = Api(world, challenge(bomb))
        assert (await auth.fetch_with_auth("/notes")).status == 401
        assert len(api.requests) == 1

    asyncio.run(run())


def test_a_token_for_another_api_is_asked_for_by_audience_and_scope() -> None:
    """F13."""

    async def run() -> None:
        world, _, auth = await logged_in()
        api = Api(world)
        await auth.fetch_with_auth("/notes", audience="https://other.example", scope="read:other")
        assert api.tokens == [await auth.get_token_silently(audience="https://other.example", scope="read:other")]

    asyncio.run(run())


def test_a_body_that_is_no_text_and_no_json_says_so_when_it_is_read(window: bool) -> None:
    async def run() -> None:
        world, _, auth = await logged_in(window=window)
        Api(world, json_answer({})._replace(body=b"\xff<html>"))
        response = await auth.fetch_with_auth("/notes")
        assert await response.text() == "\ufffd<html>"
        with pytest.raises(ValueError, match=r"codec|Expecting"):
            await response.json()

    asyncio.run(run())


def test_a_call_that_is_cancelled_leaves_the_client_as_it_was(window: bool) -> None:
    async def run() -> None:
        world, wire, auth = await logged_in(window=window)
        api = Api(world)
        world.clock.advance(600)
        for steps in range(12):
            call = asyncio.ensure_future(auth.fetch_with_auth("/notes").json())
            for _ in range(steps):
                await asyncio.sleep(0)
            call.cancel()
            await asyncio.wait({call})
        assert await auth.fetch_with_auth("/notes").json() == {"notes": ["milk"]}
        spent = [post.get("refresh_token") for post in wire.posts]
        assert len(set(spent)) == len(spent)
        assert api.requests

    asyncio.run(run())


def test_the_pages_own_wire_sees_every_token_go_to_the_api_only(window: bool) -> None:
    async def run() -> None:
        world, _, auth = await logged_in(window=window)
        Wire(world)
        Api(world)
        await auth.fetch_with_auth("/notes")
        carriers = {request.url for request in world.browser.sent if request.header("authorization")}
        assert carriers == {f"{API}/notes"}

    asyncio.run(run())


def test_a_fetcher_of_its_own_calls_another_api_and_no_other(window: bool) -> None:
    """F01: what may see a token is said once, where the fetcher is made."""

    async def run() -> None:
        world, _, auth = await logged_in(window=window, base_url="http://127.0.0.1:9499/")
        api = Api(world)
        fetcher = auth.create_fetcher(base_url=API, allowed_origins=["https://more.example"])
        assert await fetcher.fetch_with_auth("/notes").json() == {"notes": ["milk"]}
        assert api.tokens == [await auth.get_token_silently()]
        with pytest.raises(TargetNotAllowedError):
            await fetcher.fetch_with_auth("http://127.0.0.1:9499/notes")
        calls: list[dict[str, Any]] = [
            {"base_url": "http://api.example"}, {"allowed_origins": ["https://api.example/path"]},
        ]  # fmt: skip
        for wrong in calls:
            with pytest.raises(ConfigurationError):
                auth.create_fetcher(**wrong)

    asyncio.run(run())
