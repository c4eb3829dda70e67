"""A worker that uses the client of its page: the same verbs, and never a refresh token."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from client.wire import (
    API,
    AUDIENCE,
    Api,
    Wire,
    challenge,
    error_answer,
    failure,
    leaks,
    logged_in,
    members_changed,
    moments,
    page,
    turns,
)

from spa_auth.client.auth_client import AuthClient
from spa_auth.client.broker import Broker, BrokeredClient
from spa_auth.client.ports import Channel
from spa_auth.errors import (
    ConfigurationError,
    LoginRequiredError,
    MissingScopesError,
    NavigationUnavailableError,
    SpaAuthError,
    TargetNotAllowedError,
)
from spa_auth.testing import Pair

LINE = "line"


class Linked:
    """A page, the worker that it serves, and all that goes over their line."""

    def __init__(self, world: Pair, auth: AuthClient) -> None:
        self.world = world
        self.auth = auth
        self.tab = world.new_tab(window=False)
        self.broker: Broker = auth.serve(self._end(world))

    def _end(self, world: Pair) -> "Callable[[Callable[[str], None]], Channel]":
        channels = world.browser.platform.channels
        assert channels is not None
        return lambda listener: channels.open(LINE, listener)

    async def worker(self) -> BrokeredClient:
        """The client of the worker."""
        return await BrokeredClient.connect(self.tab.browser.platform, self._end(self.tab))

    @property
    def texts(self) -> list[str]:
        """All that went over the line."""
        return [text for name, text in self.world.browser.profile.channels.posted if name == LINE]

    def post(self, message: object) -> None:
        """Post to both ends."""
        self.world.browser.profile.channels.post(LINE, json.dumps(message))


async def linked(**options: Any) -> tuple[Linked, Wire, BrokeredClient]:  # noqa: ANN401  those of `page`
    """A worker whose page has alice logged in."""
    world, wire, auth = await logged_in(**options)
    both = Linked(world, auth)
    return both, wire, await both.worker()


def test_a_worker_knows_the_user_of_its_page_at_once() -> None:
    async def run() -> None:
        both, _, worker = await linked()
        assert worker.user == both.auth.user
        assert await worker.is_authenticated()
        assert await worker.get_id_token_claims() == await both.auth.get_id_token_claims()
        assert worker.get_configuration() == both.auth.get_configuration()
        assert worker.redirect_result is None

    asyncio.run(run())


def test_a_worker_hears_of_every_change_with_its_reason() -> None:
    async def run() -> None:
        world = page()
        auth = await world.open()
        both = Linked(world, auth)
        worker = await both.worker()
        seen: list[tuple[str | None, str | None]] = []
        worker.changed.add_listener(
            lambda user: seen.append((None if user is None else user.sub, worker.changed.reason))
        )
        world.browser.choice = {"user": "bob"}
        link = await auth.login_link()
        await world.browser.load_in_tab(link.url)
        await link.result(timeout=5)
        await turns()
        await auth.logout(open_url=False)
        await turns()
        assert seen == [(None, None), ("bob", "login"), (None, "logout")]

    asyncio.run(run())


def test_a_worker_gets_tokens_from_the_cache_of_its_page() -> None:
    async def run() -> None:
        both, wire, worker = await linked()
        token = await worker.get_token_silently()
        assert token == await both.auth.get_token_silently()
        assert await worker.get_token_silently(cache_mode="cache-only") == token
        assert await worker.get_token_silently(audience="https://x.example", cache_mode="cache-only") is None
        detailed = await worker.get_token_silently(detailed_response=True)
        known = await both.auth.get_token_silently(detailed_response=True)
        assert (detailed.access_token, detailed.scope, detailed.id_token) == (token, known.scope, None)
        assert 0 <= known.expires_in - detailed.expires_in <= 1
        assert len(wire.posts) == 1
        assert await worker.get_token_silently(cache_mode="off") != token

    asyncio.run(run())


def test_no_refresh_token_and_no_id_token_goes_to_a_worker_s18() -> None:
    async def run() -> None:
        both, wire, worker = await linked()
        await worker.get_token_silently(detailed_response=True)
        await worker.get_token_silently(cache_mode="off", detailed_response=True)
        Api(both.world)
        await worker.fetch_with_auth("/notes")
        lines = "".join(both.texts)
        assert not any(post[name] in lines for post in wire.posts for name in ("refresh_token", "code") if name in post)
        entries = both.auth._context.session.cache.entries  # pyright: ignore[reportPrivateUsage]
        session = both.auth._context.session.current  # pyright: ignore[reportPrivateUsage]
        assert session is not None
        assert entries[0].tokens.refresh_token is not None
        for secret in (entries[0].tokens.refresh_token, session.id_token):
            assert secret not in lines
        assert entries[0].tokens.access_token in lines

    asyncio.run(run())


def test_a_worker_sends_its_requests_itself_to_the_api_of_the_page() -> None:
    async def run() -> None:
        both, _, worker = await linked()
        api = Api(both.world)
        assert await worker.fetch_with_auth("/notes").json() == {"notes": ["milk"]}
        assert api.requests[-1].url == f"{API}/notes"
        assert len(both.tab.browser.sent) == 1
        error = await failure(_awaited(worker, "https://evil.example/"))
        assert isinstance(error, TargetNotAllowedError)

    asyncio.run(run())


async def _awaited(worker: AuthClient, url: str) -> object:
    return await worker.fetch_with_auth(url)


@pytest.mark.parametrize(
    ("options", "target"),
    [
        ({"base_url": None}, "http://127.0.0.1:9401/notes"),
        ({"base_url": "api"}, "http://127.0.0.1:9401/api/notes"),
        ({"base_url": None, "allowed_origins": (API,)}, f"{API}/notes"),
    ],
)
def test_addresses_mean_in_a_worker_what_they_mean_on_its_page(options: dict[str, object], target: str) -> None:
    async def run() -> None:
        both, _, worker = await linked(**options)
        both.world.browser.servers["http://127.0.0.1:9401"] = Api(both.world).handle
        await worker.fetch_with_auth(target if "allowed_origins" in options else "/notes")
        assert both.tab.browser.sent[-1].url == target

    asyncio.run(run())


def test_a_token_that_the_api_refuses_is_renewed_once_by_the_page() -> None:
    async def run() -> None:
        both, wire, worker = await linked()
        both.world.clock.advance(10)
        api = Api(both.world, challenge('Bearer error="invalid_token"'))
        await worker.fetch_with_auth("/notes")
        assert len(api.tokens) == 2
        assert api.tokens[0] != api.tokens[1]
        assert [post["grant_type"] for post in wire.posts] == ["authorization_code", "refresh_token"]

    asyncio.run(run())


def test_errors_of_the_page_are_the_same_errors_in_the_worker() -> None:
    async def run() -> None:
        both, wire, worker = await linked()
        error = await failure(worker.get_token_silently(cache_mode="wrong"))  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
        assert isinstance(error, ConfigurationError)
        assert "cache_mode" in error.faults[0]
        wire.answers.append(error_answer("invalid_grant"))
        refused = await failure(worker.get_token_silently(cache_mode="off"))
        assert isinstance(refused, LoginRequiredError)
        assert str(refused) == f"login_required: No. {refused.remedy}"
        assert (refused.args, refused.status) == (("No.",), None)
        await turns()
        assert (await worker.get_user(), worker.changed.reason) == (None, "refresh_denied")
        assert isinstance(await failure(_awaited(worker, f"{API}/")), LoginRequiredError)
        assert leaks(both.world, wire.secrets, error, refused) == []

    asyncio.run(run())


def test_the_evidence_of_an_error_comes_along() -> None:
    async def run() -> None:
        _, wire, worker = await linked()
        wire.changes["/oauth/token"] = members_changed(scope="openid")
        missing = await failure(worker.get_token_silently(scope="more", cache_mode="off"))
        assert isinstance(missing, MissingScopesError)
        assert missing.missing == ("more",)

    asyncio.run(run())


def test_logout_in_a_worker_logs_out_on_the_page() -> None:
    async def run() -> None:
        both, _, worker = await linked()
        seen = moments(both.auth)
        await worker.logout(open_url=False)
        await turns()
        assert (both.auth.user, worker.user) == (None, None)
        assert [moment.name for moment in seen] == ["logout.started", "logout.completed"]

    asyncio.run(run())


def test_a_logout_in_a_worker_makes_the_page_leave() -> None:
    async def run() -> None:
        both, _, worker = await linked()
        url = await both.world.browser.until_departure(worker.logout())
        assert "client_id=demo" in url
        assert both.auth.user is None

    asyncio.run(run())


@pytest.mark.parametrize("verb", ["require_login", "login_with_redirect"])
def test_a_login_that_a_worker_asks_for_makes_the_page_leave(verb: str) -> None:
    async def run() -> None:
        world = page()
        both = Linked(world, await world.open())
        worker = await both.worker()
        url = await world.browser.until_departure(getattr(worker, verb)(scope="extra"))
        assert "extra" in url
        await world.browser.go(url)

    asyncio.run(run())


def test_require_login_in_a_worker_is_the_user_of_the_page() -> None:
    async def run() -> None:
        both, _, worker = await linked()
        assert await worker.require_login() == both.auth.user
        await worker.check_session()
        both.post({"session": {"reason": "logout"}})
        await turns()
        # The worker was told wrong, and the page says that somebody is logged in.
        assert isinstance(await failure(worker.require_login()), LoginRequiredError)

    asyncio.run(run())


def test_what_only_a_page_can_do_is_refused_with_the_way_to_do_it() -> None:
    async def run() -> None:
        _, _, worker = await linked()
        for refused in (
            worker.handle_redirect_callback(),
            worker.revoke_refresh_token(),
            worker.revoke_access_token(),
        ):
            error = await failure(refused)
            assert isinstance(error, NavigationUnavailableError)
            assert "on the page" in error.remedy
        for action in (worker.logout(open_url=print), worker.login_with_redirect(open_url=print)):
            assert isinstance(await failure(action), ConfigurationError)
        assert not hasattr(worker._login, "_private")  # pyright: ignore[reportPrivateUsage]

    asyncio.run(run())


@pytest.mark.parametrize(
    "message",
    [{}, {"id": 7, "verb": "steal"}, {"id": None, "verb": ["token"]}, {"id": [], "result": 1}, {"session": 3},
     {"id": 99, "error": {}}, {"id": {}, "error": {}}],
)  # fmt: skip
def test_what_is_no_message_of_ours_is_ignored_by_both_ends_w04(message: dict[str, object]) -> None:
    async def run() -> None:
        both, _, worker = await linked()
        both.post(message)
        both.world.browser.profile.channels.post(LINE, "not JSON")
        await turns()
        assert worker.user is not None
        assert await worker.get_token_silently()

    asyncio.run(run())


@pytest.mark.parametrize("kind", ["NoSuchError", "SpaAuthError", "without_locals", None])
def test_an_error_of_a_kind_that_is_not_ours_is_a_plain_one(kind: str | None) -> None:
    async def run() -> None:
        both, _, worker = await linked()
        waiting = asyncio.ensure_future(failure(worker.get_token_silently()))
        await asyncio.sleep(0)
        both.post({"id": 2, "error": {"type": kind, "evidence": {"error_description": "It failed."}}})
        assert type(await waiting) is SpaAuthError

    asyncio.run(run())


def test_a_fault_of_the_page_is_told_without_its_words() -> None:
    async def run() -> None:
        world, _, auth = await logged_in()
        both = Linked(world, auth)
        worker = await both.worker()
        both.broker._verbs = {"silently": _broken}  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue]
        error = await failure(worker.get_token_silently())
        assert error.error_description == "The page raised ZeroDivisionError."

    asyncio.run(run())


async def _broken(_options: object) -> object:
    return 1 // 0


def test_after_either_end_is_closed_nothing_goes_over_the_line() -> None:
    async def run() -> None:
        both, wire, worker = await linked()
        wire.gate = asyncio.Event()
        waiting = asyncio.ensure_future(worker.get_token_silently(cache_mode="off"))
        await turns()
        worker.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        both.broker.close()
        wire.gate.set()
        await turns()
        before = len(both.texts)
        await both.auth.logout(open_url=False)
        await turns()
        assert len(both.texts) == before
        assert LINE not in both.world.browser.profile.channels.names

    asyncio.run(run())


def test_several_workers_are_served_by_one_page_each_over_its_own_line() -> None:
    async def run() -> None:
        both, _, first = await linked()
        second = await Linked(both.world, both.auth).worker()
        assert await first.get_token_silently() == await second.get_token_silently()
        assert (await first.get_token_silently(audience=AUDIENCE)) == await first.get_token_silently()

    asyncio.run(run())
