"""What users' own tests stand on: a client and a provider, face to face, in a browser in memory."""

import asyncio
import json

import pytest
from vector_files import vectors

from spa_auth.client.auth_client import AuthClient
from spa_auth.client.ports import Channel
from spa_auth.dev_provider.keys import SigningKeys
from spa_auth.errors import LoginTimeoutError, NetworkError, ProtocolError
from spa_auth.protocol.http import Request, Response
from spa_auth.protocol.jwk import Key
from spa_auth.testing import FakeBrowser, FakeClock, Pair, pair
from spa_auth.testing.cookies import CookieJar
from spa_auth.testing.crypto import RealCrypto
from spa_auth.testing.forms import find_form

KEYS = SigningKeys()
PAGE = "http://127.0.0.1:9401/"
ELSEWHERE = "http://127.0.0.1:9402"


def browser() -> FakeBrowser:
    """A browser without any server."""
    return FakeBrowser(page=PAGE, callback_page=f"{PAGE}callback.html", clock=FakeClock())


def answering(*responses: Response) -> tuple[list[Request], FakeBrowser]:
    """A browser, a server beside its page that answers so, and what that was asked."""
    tab, asked, waiting = browser(), list[Request](), list(responses)

    async def handle(request: Request) -> Response:
        asked.append(request)
        return waiting.pop(0)

    tab.servers[ELSEWHERE] = handle
    return asked, tab


def test_the_example_of_the_documentation_works() -> None:
    async def run() -> None:
        page = pair(keys=KEYS)
        auth = await page.login(await page.open(), "alice")
        assert auth.user is not None
        assert auth.user.name == "Alice Archer"

    asyncio.run(run())


def test_the_callback_page_in_memory_does_what_the_shared_vector_says() -> None:
    async def run() -> None:
        vector = vectors("transaction")
        callback_page = "https://app.example/callback.html"
        tab = FakeBrowser(page="https://app.example/", callback_page=callback_page, clock=FakeClock())
        tab.session_storage.set(vector["transaction_key"], json.dumps(vector["transaction"]))
        await tab.go(f"{callback_page}?{vector['response']}")
        assert tab.session_storage.get(vector["response_key"]) == vector["response"]
        assert tab.url == f"https://app.example{vector['transaction']['return_to']}"

    asyncio.run(run())


def test_two_pairs_share_nothing() -> None:
    async def run() -> None:
        first, second = pair(keys=KEYS), pair(keys=KEYS)
        await first.login(await first.open())
        assert (await second.open()).user is None
        assert second.browser.sent == []

    asyncio.run(run())


def test_options_reach_the_client_and_can_be_changed_for_one_load() -> None:
    async def run() -> None:
        page = pair(keys=KEYS, client_id="demo", scope="openid email")
        assert (await page.open()).get_configuration()["client_id"] == "demo"
        assert (await page.open(client_id="other")).get_configuration()["client_id"] == "other"

    asyncio.run(run())


def test_an_action_that_leaves_the_page_on_is_a_failure_of_the_test() -> None:
    async def run() -> None:
        page = pair(keys=KEYS)
        auth = await page.open()
        with pytest.raises(AssertionError, match="did not leave"):
            await page.browser.until_departure(auth.is_authenticated())

    asyncio.run(run())


def test_a_form_that_nobody_answers_leaves_the_tab_at_the_provider() -> None:
    async def run() -> None:
        page = pair(keys=KEYS)
        auth = await page.open()
        response = await page.browser.go(await page.browser.until_departure(auth.login_with_redirect()))
        assert response.status == 200
        assert page.browser.url.startswith(page.provider.issuer)

    asyncio.run(run())


@pytest.mark.parametrize("window", [True, False])
def test_without_a_window_there_is_no_storage_and_no_page(window: bool) -> None:
    platform = pair(keys=KEYS, window=window).browser.platform
    ports = (platform.navigator, platform.session_storage, platform.local_storage, platform.page)
    assert [port is not None for port in ports] == [window] * 4


def test_a_server_that_lets_other_origins_read_nothing_is_not_read() -> None:
    async def run() -> None:
        _, tab = answering(Response(200), Response(204), Response(204, (("Access-Control-Allow-Origin", "*"),)))
        for headers in ((), (("Authorization", "x"),), (("Authorization", "x"),)):
            with pytest.raises(NetworkError) as caught:
                await tab.fetch(Request("GET", f"{ELSEWHERE}/", headers))
            assert caught.value.reason == "cors"

    asyncio.run(run())


def test_a_request_that_is_not_simple_is_announced_first() -> None:
    async def run() -> None:
        cors = (("Access-Control-Allow-Origin", PAGE[:-1]), ("Access-Control-Allow-Headers", "authorization, X-A"))
        asked, tab = answering(Response(204, cors), Response(200, cors), Response(200, cors))
        await tab.fetch(Request("GET", f"{ELSEWHERE}/", (("Authorization", "t"), ("x-a", "1"))))
        form = (("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json"))
        await tab.fetch(Request("POST", f"{ELSEWHERE}/", form))
        assert [request.method for request in asked] == ["OPTIONS", "GET", "POST"]
        assert asked[0].header("access-control-request-headers") == "authorization, x-a"
        assert not any(request.header("cookie") for request in asked)

    asyncio.run(run())


def test_a_redirect_is_not_followed_by_the_page_but_by_the_tab() -> None:
    async def run() -> None:
        away = Response(303, (("Location", "/there"), ("Access-Control-Allow-Origin", "*")))
        asked, tab = answering(away, away, Response(200))
        with pytest.raises(ProtocolError):
            await tab.fetch(Request("GET", f"{ELSEWHERE}/"))
        assert await tab.load_in_tab(f"{ELSEWHERE}/") == f"{ELSEWHERE}/there"
        assert len(asked) == 3

    asyncio.run(run())


def test_redirects_without_end_are_a_failure_of_the_test() -> None:
    async def run() -> None:
        _, tab = answering(*[Response(302, (("Location", "/"),))] * 30)
        with pytest.raises(AssertionError, match="redirects"):
            await tab.go(f"{ELSEWHERE}/")

    asyncio.run(run())


def test_a_frame_whose_provider_is_down_answers_nothing() -> None:
    async def run() -> None:
        navigator = browser().platform.navigator
        assert navigator is not None
        with pytest.raises(LoginTimeoutError):
            await navigator.ask_in_frame(f"{ELSEWHERE}/", state="s", origin=PAGE[:-1], mode="callback_page", timeout=1)

    asyncio.run(run())


def test_a_frame_that_takes_too_long_answers_nothing() -> None:
    async def run() -> None:
        tab = browser()

        async def never(_request: Request) -> Response:
            await asyncio.Event().wait()
            raise AssertionError

        tab.servers[ELSEWHERE] = never
        navigator = tab.platform.navigator
        assert navigator is not None
        with pytest.raises(LoginTimeoutError):
            await navigator.ask_in_frame(
                f"{ELSEWHERE}/", state="s", origin=PAGE[:-1], mode="callback_page", timeout=0.01
            )

    asyncio.run(run())


def test_cookies_belong_to_a_host_and_can_be_taken_back() -> None:
    jar = CookieJar()
    jar.take(PAGE, Response(200, (("Set-Cookie", "a=1; Path=/; HttpOnly"), ("Set-Cookie", "b=2"))))
    assert jar.header("http://127.0.0.1:1/x") == (("Cookie", "a=1; b=2"),)
    assert jar.header("http://localhost/") == ()
    jar.take(PAGE, Response(200, (("Set-Cookie", "a=; Max-Age=0"),)))
    assert jar.header(PAGE) == (("Cookie", "b=2"),)
    jar.clear()
    assert jar.header(PAGE) == ()


def test_a_form_is_found_by_the_names_that_a_choice_needs() -> None:
    page = (
        b'<form action="/a"><input name="x" value="1"><input type="submit"></form><form>'
        b'<input name="csrf" value="&amp;"><input name="q"><button name="user" value="alice">A</button></form>'
    )
    found = find_form(page, {"user": "bob"})
    assert found is not None
    assert (found.action, found.values) == ("", {"csrf": "&", "q": ""})
    assert found.submission({"user": "bob"}).body == b"csrf=%26&q=&user=bob"
    assert find_form(page, {"nobody": "x"}) is None


def test_a_key_that_cannot_be_used_verifies_nothing() -> None:
    crypto = RealCrypto()
    assert len(crypto.random(32)) == 32
    key = Key({"kty": "RSA", "n": "AQAB", "e": "AQAB"}, None, None)
    assert asyncio.run(crypto.verify("RS256", key, b"text", b"signature")) is False


def test_the_clock_goes_where_it_is_moved() -> None:
    clock = FakeClock()
    before = clock()
    clock.advance(100)
    assert 100 <= clock() - before < 101
    clock.advance(-200)
    assert clock() < before


def test_a_login_ends_where_it_began_on_any_page_of_the_application() -> None:
    async def run() -> None:
        page: Pair = pair(keys=KEYS)
        page.browser.url = f"{PAGE}deep/page.html?x=1"
        auth: AuthClient = await page.login(await page.open(), "bob")
        assert auth.user is not None
        assert (auth.user.sub, page.browser.url) == ("bob", f"{PAGE}deep/page.html?x=1")

    asyncio.run(run())


def test_tabs_share_cookies_and_lasting_storage_and_nothing_else() -> None:
    async def run() -> None:
        page = pair(keys=KEYS)
        await page.login(await page.open())
        other = page.new_tab()
        assert other.browser.session_storage.names() == []
        assert other.browser.local_storage.names() == page.browser.local_storage.names() != []
        user = (await other.open()).user
        assert user is not None
        assert (user.sub, other.browser.sent != page.browser.sent) == ("alice", True)

    asyncio.run(run())


def test_a_tab_hears_what_the_others_post_until_it_is_left() -> None:
    async def run() -> None:
        here = browser()
        heard: list[tuple[str, str]] = []
        lines: list[Channel] = []

        def listen(name: str, tab: FakeBrowser) -> None:
            assert tab.channels is not None
            lines.append(tab.channels.open("x", lambda text: heard.append((name, text))))

        for name, tab in (("here", here), ("there", here.new_tab()), ("gone", here.new_tab())):
            listen(name, tab)
            if name == "gone":
                lines[-1].post("farewell")
                tab.unload()
        lines[-1].post("unheard")
        lines[0].post("hello")
        here.profile.channels.post("x", "forged")
        assert heard == []
        lines[0].close()
        await asyncio.sleep(0)
        assert heard == [("there", "farewell"), ("there", "hello"), ("there", "forged")]
        assert here.profile.channels.names == ["x"]
        assert here.profile.channels.posted == [("x", "farewell"), ("x", "hello"), ("x", "forged")]

    asyncio.run(run())


def test_one_tab_at_a_time_holds_a_lock() -> None:
    async def run() -> None:
        here = browser()
        steps: list[str] = []

        async def task(name: str) -> str:
            steps.append(f"{name} begins")
            await asyncio.sleep(0)
            steps.append(f"{name} ends")
            return name

        async def hold(name: str, tab: FakeBrowser) -> str:
            assert tab.locks is not None
            return await tab.locks.run("k", lambda: task(name))

        both = hold("a", here), hold("b", here.new_tab())
        assert [*await asyncio.gather(*both)] == ["a", "b"]
        assert steps == ["a begins", "a ends", "b begins", "b ends"]
        assert here.profile.locks.asked == ["k", "k"]

    asyncio.run(run())


@pytest.mark.parametrize("how", ["clock", "show", "time"])
def test_a_pause_ends_with_the_clock_or_when_somebody_looks(how: str) -> None:
    async def run() -> None:
        clock = FakeClock()
        tab = FakeBrowser(page=PAGE, callback_page="", clock=clock)
        pause = asyncio.ensure_future(tab.platform.pause(0.02 if how == "time" else 100))
        await asyncio.sleep(0.001)
        clock.advance(-1)
        clock.advance(99 if how == "clock" else 1)
        await asyncio.sleep(0.001)
        assert not pause.done()
        if how == "clock":
            clock.advance(2)
        if how == "show":
            tab.show()
        await asyncio.wait_for(pause, 5)

    asyncio.run(run())


def test_the_callback_page_of_another_tab_broadcasts_what_did_not_leave_by_redirect() -> None:
    async def run() -> None:
        here, state = browser(), "l" + "a" * 43
        heard: list[str] = []
        assert here.channels is not None
        here.channels.open(f"spa_auth:{state}", heard.append)
        await here.load_in_tab(f"{here.callback_page}?code=x&state={state}")
        await asyncio.sleep(0)
        assert [json.loads(text) for text in heard] == [
            {"type": "spa_auth:response", "state": state, "response": f"code=x&state={state}"}
        ]

    asyncio.run(run())
