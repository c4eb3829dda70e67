"""Sessions that outlast a page: in storage or in the application's own store, verified again, dropped when in doubt."""

import asyncio
import pickle
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
from client.wire import (
    AUDIENCE,
    ELSEWHERE,
    ISSUER,
    KEYS,
    OUTAGE,
    Api,
    Wire,
    error_answer,
    failure,
    logged_in,
    members_changed,
    page,
    turns,
)

from spa_auth.client.auth_client import AuthClient
from spa_auth.client.cache import Entry
from spa_auth.client.stored import StoredSession, dump_session, parse_session
from spa_auth.dev_provider import Options
from spa_auth.errors import ConfigurationError, LoginRequiredError, NetworkError
from spa_auth.protocol.jwt import parse_jwt
from spa_auth.protocol.scope import Scope
from spa_auth.protocol.strict_json import dumps, is_texts, loads_object
from spa_auth.protocol.token import TokenSet
from spa_auth.testing import Pair

NAME = f"spa_auth:session:{ISSUER}:demo"
LIFETIME = 600


class OwnCache:
    """A store that an application brings; its methods are async."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    async def get(self, name: str) -> str | None:
        """The text."""
        await asyncio.sleep(0)
        return self.texts.get(name)

    async def set(self, name: str, text: str) -> None:
        """Keep it."""
        await asyncio.sleep(0)
        self.texts[name] = text

    async def remove(self, name: str) -> None:
        """Forget it."""
        await asyncio.sleep(0)
        self.texts.pop(name, None)


class SlowCache(OwnCache):
    """The same, which holds up what it reads or writes until `reading` or `writing` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.reading, self.writing = asyncio.Event(), asyncio.Event()
        self.reading.set()
        self.writing.set()

    async def get(self, name: str) -> str | None:
        """The text as it is now, later."""
        text = self.texts.get(name)
        await self.reading.wait()
        return text

    async def set(self, name: str, text: str) -> None:
        """Keep it, later."""
        await self.writing.wait()
        self.texts[name] = text


class PlainCache:
    """The same, with methods that are not async."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def get(self, name: str) -> str | None:
        """The text."""
        return self.texts.get(name)

    def set(self, name: str, text: str) -> None:
        """Keep it."""
        self.texts[name] = text

    def remove(self, name: str) -> None:
        """Forget it."""
        self.texts.pop(name, None)


STORES: dict[str, Callable[[], dict[str, object]]] = {
    "localstorage": lambda: {"cache_location": "localstorage"},
    "sessionstorage": lambda: {"cache_location": "sessionstorage"},
    "async cache": lambda: {"cache": OwnCache()},
    "plain cache": lambda: {"cache": PlainCache()},
}


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest) -> dict[str, object]:
    """The option that keeps a session beyond its page."""
    return STORES[request.param]()


def records(world: Pair, options: dict[str, object]) -> dict[str, str]:
    """Everything that lies in the store of these options, without the hint."""
    cache = options.get("cache")
    if isinstance(cache, OwnCache | PlainCache):
        return dict(cache.texts)
    areas = {"localstorage": world.browser.local_storage, "sessionstorage": world.browser.session_storage}
    area = areas[str(options["cache_location"])]
    return {name: area.get(name) or "" for name in area.names() if ":session:" in name}


def put(world: Pair, options: dict[str, object], record: str) -> None:
    """Change the record behind the client's back."""
    cache = options.get("cache")
    if isinstance(cache, OwnCache | PlainCache):
        cache.texts[NAME] = record
    else:
        area = (
            world.browser.local_storage
            if options["cache_location"] == "localstorage"
            else world.browser.session_storage
        )
        area.set(NAME, record)


async def alone(**options: object) -> tuple[Pair, Wire, AuthClient]:
    """A page on which alice is logged in, at a provider that no hidden frame can ask."""
    return await logged_in(silent_mode="off", **options)  # type: ignore[arg-type]


def test_a_reload_finds_the_session_in_its_store(store: dict[str, object]) -> None:
    """S20: with no more requests than it takes to verify the ID token."""

    async def run() -> None:
        world, wire, auth = await alone(**store)
        token = await auth.get_token_silently()
        wire.asked.clear()
        auth = await world.open()
        assert auth.user is not None
        assert auth.user.name == "Alice Archer"
        assert auth.changed.reason == "login"
        assert wire.asked == ["GET /.well-known/openid-configuration", "GET /.well-known/jwks.json"]
        assert await auth.get_token_silently() == token
        assert await auth.get_token_silently(cache_mode="off") != token
        assert len(wire.posts) == 2
        again = await world.open()
        assert await again.get_token_silently() == await auth.get_token_silently()
        assert len(wire.posts) == 2

    asyncio.run(run())


def test_a_session_is_found_without_the_hint_that_it_was_there(store: dict[str, object]) -> None:
    """A refresh token that lasts longer than the hint goes on being used."""

    async def run() -> None:
        world, wire, _ = await alone(**store)
        world.clock.advance(3 * 86_400)
        auth = await world.open()
        assert auth.user is not None
        assert len(wire.posts) == 2
        assert await auth.get_token_silently()
        assert len(wire.posts) == 2

    asyncio.run(run())


def test_the_record_names_its_provider_and_client_and_is_one_json_text(store: dict[str, object]) -> None:
    """S21, R17."""

    async def run() -> None:
        world, wire, auth = await alone(**store)
        assert list(records(world, store)) == [NAME]
        members = loads_object(records(world, store)[NAME].encode())
        assert (members["v"], members["iss"], members["client_id"]) == (1, ISSUER, "demo")
        assert members["id_tokens"] == [wire.answered["id_token"]]
        (entry,) = _objects(members["entries"])
        assert entry["audience"] == AUDIENCE
        assert entry["refresh_token"] == wire.answered["refresh_token"]
        await auth.get_token_silently(cache_mode="off")
        members = loads_object(records(world, store)[NAME].encode())
        assert len(_texts(members["id_tokens"])) == 2
        assert _objects(members["entries"])[0]["refresh_token"] == wire.answered["refresh_token"]

    asyncio.run(run())


def test_nothing_stored_outlives_its_session(store: dict[str, object]) -> None:
    """L01, S24: after a logout, and after the provider has ended the session."""

    async def run() -> None:
        world, wire, auth = await alone(**store)
        await auth.logout(open_url=False)
        assert records(world, store) == {}
        assert (await world.open()).user is None
        auth = await world.login(await world.open())
        assert len(records(world, store)) == 1
        wire.answers = [error_answer("invalid_grant")]
        assert isinstance(await failure(auth.get_token_silently(cache_mode="off")), LoginRequiredError)
        await asyncio.sleep(0.01)
        assert records(world, store) == {}

    asyncio.run(run())


def _changed(**changes: object) -> Callable[[dict[str, Any]], object]:
    return lambda members: {**members, **changes}


DAMAGES: list[Callable[[dict[str, Any]], Any]] = [
    lambda _: None,
    lambda members: [members],
    lambda _: {},
    _changed(v=2),
    _changed(iss="https://evil.example/"),
    _changed(client_id="another"),
    _changed(id_tokens=[]),
    _changed(id_tokens="x"),
    _changed(id_tokens=["x"]),
    _changed(id_tokens=["a.b.c"]),
    _changed(id_tokens=["x", "y", "z"]),
    _changed(id_tokens=[5]),
    _changed(entries={}),
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_or_foreign_record_is_dropped_and_breaks_no_page(
    store: dict[str, object], damage: Callable[[dict[str, Any]], Any]
) -> None:
    """S20, R18, A23."""

    async def run() -> None:
        world, wire, _ = await alone(**store)
        put(world, store, dumps(damage(loads_object(records(world, store)[NAME].encode()))).decode())
        auth = await world.open()
        assert auth.user is None
        assert records(world, store) == {}
        assert len(wire.posts) == 1
        assert (await world.login(auth)).user is not None

    asyncio.run(run())


@pytest.mark.parametrize("text", ["", "{", "\ud800", '{"v":1,"v":1}', "x" * 2_000_000])
def test_a_record_that_is_no_json_is_dropped(text: str) -> None:
    async def run() -> None:
        options = STORES["localstorage"]()
        world, _, _ = await alone(**options)
        put(world, options, text)
        assert (await world.open()).user is None
        assert records(world, options) == {}

    asyncio.run(run())


@pytest.mark.parametrize(
    "changes",
    [
        {"access_token": 5},
        {"token_type": None},
        {"expires_at": "soon"},
        {"expires_at": True},
        {"expires_at": 1e30},
        {"received_at": -1},
        {"scope": ["openid"]},
        {"asked": None},
        {"audience": 5},
        {"refresh_token": {}},
    ],
)
def test_a_damaged_entry_is_dropped_alone(changes: dict[str, object]) -> None:
    async def run() -> None:
        options = STORES["localstorage"]()
        world, _, _ = await alone(**options)
        members = loads_object(records(world, options)[NAME].encode())
        entry = _objects(members["entries"])[0]
        other = {**entry, "audience": "https://other.example"}
        put(world, options, dumps({**members, "entries": [{**entry, **changes}, other, "x"]}).decode())
        auth = await world.open()
        assert auth.user is not None
        assert await auth.get_token_silently(cache_mode="cache-only") is None
        assert await auth.get_token_silently(cache_mode="cache-only", audience="https://other.example")

    asyncio.run(run())


def _signed(claims: dict[str, object]) -> Callable[[str], str]:
    return lambda token: KEYS.sign("JWT", {**parse_jwt(token).claims, **claims})


FORGERIES: list[Callable[[str], str]] = [
    lambda token: f"{token[:-8]}AAAAAAAA",
    lambda token: token.replace(".", "", 1),
    _signed({"iss": "https://evil.example/"}),
    _signed({"aud": "another"}),
    _signed({"sub": 5}),
    _signed({"iat": 99_999_999_999}),
    _signed({"exp": None}),
]


@pytest.mark.parametrize("forge", FORGERIES)
def test_nobody_is_taken_for_the_subject_of_an_id_token_that_is_not_the_providers(
    store: dict[str, object], forge: Callable[[str], str]
) -> None:
    """S20: the ID token is verified anew."""

    async def run() -> None:
        world, _, _ = await alone(**store)
        members = loads_object(records(world, store)[NAME].encode())
        put(world, store, dumps({**members, "id_tokens": [forge(_texts(members["id_tokens"])[0])]}).decode())
        assert (await world.open()).user is None
        assert records(world, store) == {}

    asyncio.run(run())


def test_two_id_tokens_of_two_users_are_no_session() -> None:
    """S20, R16."""

    async def run() -> None:
        options = STORES["localstorage"]()
        world, _, _ = await alone(**options)
        members = loads_object(records(world, options)[NAME].encode())
        (token,) = _texts(members["id_tokens"])
        put(world, options, dumps({**members, "id_tokens": [token, _signed({"sub": "bob"})(token)]}).decode())
        assert (await world.open()).user is None

    asyncio.run(run())


def test_a_record_does_not_make_an_access_token_last_longer() -> None:
    """S20: expiry = min(entry, token)."""

    async def run() -> None:
        options = STORES["localstorage"]()
        world, _, _ = await alone(**options)
        members = loads_object(records(world, options)[NAME].encode())
        entry = _objects(members["entries"])[0]
        end = int(str(entry["expires_at"]))
        put(world, options, dumps({**members, "entries": [{**entry, "expires_at": end + 9999}]}).decode())
        auth = await world.open()
        details = await auth.get_token_silently(detailed_response=True)
        assert details.expires_at <= end

    asyncio.run(run())


@pytest.mark.parametrize(
    "edit", [{"token_type": "Bearer x\r\nA: b"}, {"token_type": "Basic"}, {"access_token": "x\r\nA: b"}]
)
def test_an_entry_that_is_no_authorization_header_is_not_sent(edit: dict[str, object]) -> None:
    """F06, S20: the session stays, and gets new tokens."""

    async def run() -> None:
        options = STORES["localstorage"]()
        world, _, _ = await logged_in(**options)  # type: ignore[arg-type]
        api = Api(world)
        members = loads_object(records(world, options)[NAME].encode())
        put(world, options, dumps({**members, "entries": [{**_objects(members["entries"])[0], **edit}]}).decode())
        auth = await world.open()
        await auth.fetch_with_auth("/notes")
        assert parse_jwt(api.tokens[0]).claims["sub"] == "alice"
        assert api.requests[0].header("authorization") == f"Bearer {await auth.get_token_silently()}"

    asyncio.run(run())


@pytest.mark.parametrize("end", [None, "x", 1])
def test_of_an_access_token_that_nobody_can_read_the_entry_tells_the_end(end: object) -> None:
    token = "opaque" if end is None else KEYS.sign("at+jwt", {"exp": end})
    tokens = TokenSet(token, "Bearer", 1000, Scope("openid"), None, None)
    record = dump_session(
        StoredSession(("id",), (Entry(tokens, Scope("openid"), 1.5),)), issuer=ISSUER, client_id="demo"
    )
    stored = parse_session(record, issuer=ISSUER, client_id="demo")
    assert stored is not None
    assert stored.entries[0].tokens.expires_at == (1 if end == 1 else 1000)
    assert token not in repr(stored)
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(stored)


def test_where_the_provider_does_not_answer_the_session_is_not_loaded_and_not_lost(store: dict[str, object]) -> None:
    async def run() -> None:
        world, wire, _ = await alone(**store)
        servers = dict(world.browser.servers)
        world.browser.servers.clear()
        auth = await world.open()
        assert not await auth.is_authenticated()
        assert {type(error) for error in world.browser.errors} == {NetworkError}
        assert len(records(world, store)) == 1
        world.browser.servers.update(servers)
        await auth.check_session()
        assert auth.user is not None
        assert len(wire.posts) == 1

    asyncio.run(run())


def test_without_verification_of_signatures_a_stored_session_needs_no_keys() -> None:
    async def run() -> None:
        world, wire, _ = await alone(verify_id_token_signature=False, cache_location="localstorage")
        wire.asked.clear()
        assert (await world.open()).user is not None
        assert wire.asked == ["GET /.well-known/openid-configuration"]

    asyncio.run(run())


def test_an_id_token_that_has_ended_still_names_the_user() -> None:
    async def run() -> None:
        world, wire, _ = await alone(
            cache_location="localstorage", provider_options=Options(refresh_token_lifetime=9**9)
        )
        world.clock.advance(20 * 86_400)
        auth = await world.open()
        assert auth.user is not None
        assert len(wire.posts) == 2

    asyncio.run(run())


class FullStorage:
    """A storage that keeps nothing new."""

    def __init__(self, texts: dict[str, str]) -> None:
        self._texts = texts

    def get(self, name: str) -> str | None:
        """The text."""
        return self._texts.get(name)

    def set(self, name: str, text: str) -> None:
        """Keep nothing."""

    def remove(self, name: str) -> None:
        """Forget it."""
        self._texts.pop(name, None)

    def names(self) -> list[str]:
        """Every name."""
        return list(self._texts)


def test_where_the_storage_is_full_tokens_stay_in_memory_and_no_old_record_stays() -> None:
    """S23: no half write."""

    async def run() -> None:
        options = STORES["localstorage"]()
        world, wire, auth = await alone(**options)
        full = FullStorage(records(world, options))
        world.browser.local_storage = full  # type: ignore[assignment]
        auth = await world.open()
        assert auth.user is not None
        first = await auth.get_token_silently(cache_mode="off")
        assert full.names() == []
        assert await auth.get_token_silently() == first
        await auth.get_token_silently(cache_mode="off")
        assert auth.user is not None
        assert len({post.get("refresh_token") for post in wire.posts}) == len(wire.posts)
        await auth.logout(open_url=False)
        assert auth.user is None

    asyncio.run(run())


class Faulty:
    """A store in which one thing goes wrong."""

    def __init__(self, fault: str, result: object = None) -> None:
        self._cache = OwnCache()
        self._fault = fault
        self._result = result

    def get(self, name: str) -> Any:  # noqa: ANN401
        """The text, or a fault."""
        return self._do("get", self._cache.get(name))

    def set(self, name: str, text: str) -> Any:  # noqa: ANN401
        """Keep it, or a fault."""
        return self._do("set", self._cache.set(name, text))

    def remove(self, name: str) -> Any:  # noqa: ANN401
        """Forget it, or a fault."""
        return self._do("remove", self._cache.remove(name))

    def _do(self, name: str, action: Awaitable[object]) -> Any:  # noqa: ANN401  whatever goes wrong
        if name != self._fault:
            return action
        asyncio.ensure_future(action).cancel()
        if isinstance(self._result, Exception):
            raise self._result
        return asyncio.sleep(60) if self._result == "slow" else self._result


@pytest.mark.parametrize("fault", ["get", "set", "remove"])
@pytest.mark.parametrize("result", [ValueError("mine"), "slow", 5, b"x", {}])
def test_a_store_that_raises_is_slow_or_gives_something_else_fails_closed(fault: str, result: object) -> None:
    """S22: the worst that comes of it is a login."""

    async def run() -> None:
        world, wire, auth = await alone(cache=Faulty(fault, result), http_timeout=0.3)
        assert auth.user is not None
        again = await world.open()
        if fault == "get":
            assert again.user is None
        await failure(again.get_token_silently(cache_mode="off")) if again.user is None else None
        await again.logout(open_url=False)
        assert again.user is None
        spent = [post["refresh_token"] for post in wire.posts if "refresh_token" in post]
        assert len(spent) == len(set(spent))
        if isinstance(result, Exception):
            assert any(error is result for error in world.browser.errors)

    asyncio.run(run())


def test_two_apps_of_one_origin_have_two_records() -> None:
    """S21, R18: and one of them removes its own only, though its name is part of the other's."""

    async def run() -> None:
        world, _, _ = await alone(cache_location="localstorage")
        other = await world.open(client_id="demo2")
        assert other.user is None
        await other.logout(open_url=False)
        assert (await world.open()).user is not None

    asyncio.run(run())


def test_a_store_without_a_window_is_memory_unless_the_application_brings_one() -> None:
    async def run() -> None:
        for location in ("localstorage", "sessionstorage"):
            world = page(window=False, cache_location=location)
            Wire(world)
            auth = await world.login(await world.open())
            assert auth.user is not None
            assert (await world.open()).user is None
        world = page(window=False, cache=OwnCache())
        wire = Wire(world)
        await world.login(await world.open())
        auth = await world.open()
        assert auth.user is not None
        assert await auth.get_token_silently(cache_mode="off")
        assert len(wire.posts) == 2

    asyncio.run(run())


def test_a_store_and_a_location_are_not_both_given() -> None:
    with pytest.raises(ConfigurationError):
        asyncio.run(page(cache=OwnCache(), cache_location="localstorage").open())


def test_a_logout_while_the_store_is_still_writing_leaves_nothing() -> None:
    """L08, R15."""

    async def run() -> None:
        cache = OwnCache()
        _, _, auth = await alone(cache=cache)
        for steps in range(12):
            refreshing = asyncio.ensure_future(auth.get_token_silently(cache_mode="off"))
            for _ in range(steps):
                await asyncio.sleep(0.002)
            await auth.logout(open_url=False)
            await asyncio.wait({refreshing})
            if not refreshing.cancelled():
                refreshing.exception()
            await asyncio.sleep(0.01)
            assert cache.texts == {}
            assert auth.user is None
            _, _, auth = await alone(cache=cache)

    asyncio.run(run())


def test_a_logout_while_the_store_is_read_or_written_is_the_last_word(window: bool) -> None:
    """L08, R15."""

    async def run() -> None:
        cache = SlowCache()
        world = page(window=window, silent_mode="off", cache=cache)
        wire = Wire(world)
        idle = await world.open()
        auth = await world.login(await world.open())
        assert len(cache.texts) == 1
        cache.reading.clear()
        looking = asyncio.ensure_future(idle.check_session())
        await turns()
        leaving = asyncio.ensure_future(idle.logout(open_url=False))
        idle._context.session.end("logout")
        await turns()
        cache.reading.set()
        await asyncio.gather(looking, leaving)
        assert idle.user is None
        assert cache.texts == {}
        auth = await world.login(auth)
        cache.writing.clear()
        posts = len(wire.posts)
        refreshing = asyncio.ensure_future(failure(auth.get_token_silently(cache_mode="off")))
        while len(wire.posts) == posts:  # noqa: ASYNC110  the wire tells nobody
            await asyncio.sleep(0)
        await turns()
        auth._context.session.end("logout")
        cache.writing.set()
        assert isinstance(await refreshing, LoginRequiredError)
        await turns()
        assert cache.texts == {}
        assert auth.user is None

    asyncio.run(run())


@pytest.mark.parametrize("steps", range(40))
def test_a_logout_at_any_step_of_a_refresh_leaves_nothing_in_a_slow_store(steps: int) -> None:
    """L08, R15: property 16."""

    async def run() -> None:
        cache = OwnCache()
        world = page(window=False, silent_mode="off", cache=cache)
        Wire(world)
        auth = await world.login(await world.open())
        refreshing = asyncio.ensure_future(auth.get_token_silently(cache_mode="off"))
        await turns(steps)
        await auth.logout(open_url=False)
        await asyncio.wait({refreshing})
        assert refreshing.exception() is None or isinstance(refreshing.exception(), LoginRequiredError)
        await turns()
        assert (cache.texts, auth.user) == ({}, None)

    asyncio.run(run())


def test_with_third_party_cookies_blocked_a_stored_session_survives_a_reload() -> None:
    """W10."""

    async def run() -> None:
        world, _, _ = await logged_in(provider_options=Options(issuer=ELSEWHERE), cache_location="sessionstorage")
        world.browser.third_party_cookies = False
        assert (await world.open()).user is not None

    asyncio.run(run())


def test_keys_that_the_provider_has_replaced_make_a_new_login_necessary() -> None:
    async def run() -> None:
        world, wire, _ = await alone(cache_location="localstorage")
        wire.changes["/.well-known/jwks.json"] = members_changed(keys=[])
        assert (await world.open()).user is None

    asyncio.run(run())


def test_an_outage_of_the_keys_does_not_lose_the_session() -> None:
    async def run() -> None:
        world, wire, _ = await alone(cache_location="localstorage")
        wire.changes["/.well-known/jwks.json"] = lambda _: OUTAGE
        assert (await world.open()).user is None
        wire.changes.clear()
        assert (await world.open()).user is not None

    asyncio.run(run())


def _objects(value: object) -> list[dict[str, object]]:
    assert isinstance(value, list)
    return cast("list[dict[str, object]]", value)


def _texts(value: object) -> list[str]:
    assert is_texts(value)
    return value
