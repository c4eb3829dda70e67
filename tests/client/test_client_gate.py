"""gate.js and Python: clicks that waited, recipes that are left, and what <html> says."""

import asyncio
import functools
import json
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec

import pytest

from spa_auth.client.auth_client import AuthClient
from spa_auth.client.config import client_config
from spa_auth.client.ports import Gate
from spa_auth.errors import NavigationError, NavigationUnavailableError
from spa_auth.protocol import form
from spa_auth.protocol.recipe import LIFETIME
from spa_auth.testing import pair
from spa_auth.testing.pairs import Pair

P = ParamSpec("P")


def running(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    @functools.wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


class FakeGate:
    """What gate.js is to Python: a click that may wait, and a word on <html>."""

    def __init__(self, *, clicked: bool = False) -> None:
        self.clicked = clicked
        self.shown: list[bool] = []
        self.client_id = "demo"

    def serves(self, issuer: str, client_id: str) -> bool:
        return issuer.startswith("http") and client_id == self.client_id

    def take_click(self) -> bool:
        clicked, self.clicked = self.clicked, False
        return clicked

    def show(self, *, signed_in: bool) -> None:
        self.shown.append(signed_in)


def gated(walk: Pair, *, clicked: bool = False) -> FakeGate:
    gate = FakeGate(clicked=clicked)
    port: Gate = gate
    walk.browser.gate = port
    return gate


def recipe(walk: Pair) -> Any:  # noqa: ANN401  JSON
    text = walk.browser.local_storage.get(f"spa_auth:recipe:{walk.provider.issuer}:demo")
    return None if text is None else json.loads(text)


def query(recipe: Any, kind: str = "login") -> dict[str, str]:  # noqa: ANN401  as above
    return dict(form.parse(recipe[kind]["url"].partition("?")[2]))


@running
async def test_a_click_that_waited_logs_in_once() -> None:
    walk = pair()
    gate = gated(walk, clicked=True)
    walk.browser.choice = {"user": "alice"}
    await walk.browser.go(await walk.browser.until_departure(walk.open()))
    auth = await walk.open()
    assert auth.user is not None
    assert auth.user.name == "Alice Archer"
    assert not gate.clicked


@running
async def test_without_a_click_nobody_is_sent_away() -> None:
    walk = pair()
    gate = gated(walk)
    assert (await walk.open()).user is None
    assert gate.shown == [False]
    assert recipe(walk) is None  # nothing of the provider is known yet, and a recipe is worth no request
    assert walk.browser.sent == []


@running
async def test_a_click_of_somebody_who_turns_out_to_be_logged_in_is_dropped() -> None:
    walk = pair()
    await walk.login(await walk.open())
    gate = gated(walk, clicked=True)
    assert (await walk.open()).user is not None
    assert not gate.clicked


@running
async def test_html_says_what_python_knows_after_every_change() -> None:
    walk = pair()
    await walk.login(await walk.open())
    gate = gated(walk)
    auth = await walk.open()
    assert gate.shown == [True]
    await auth.logout(open_url=False)
    assert gate.shown == [True, False]


@running
async def test_a_login_that_cannot_begin_is_told_as_one_that_failed() -> None:
    """As after a redirect: the page shows it, and require_login does not try again at once."""
    walk = pair()
    gated(walk, clicked=True)
    walk.browser.servers.clear()
    auth = await walk.open()
    assert auth.redirect_result is not None
    assert auth.redirect_result.error is not None
    assert auth.redirect_result.error.error == "network_error"
    assert walk.browser.errors


@running
async def test_a_page_that_does_not_leave_says_so() -> None:
    walk = pair(navigation_timeout=0)
    gated(walk, clicked=True)
    auth = await walk.open()
    assert auth.redirect_result is not None
    assert isinstance(auth.redirect_result.error, NavigationError)


@running
async def test_after_a_login_there_is_a_recipe_for_the_next() -> None:
    walk = pair(audience="https://api.example", authorization_params={"ui_locales": "de"})
    gated(walk)
    await walk.login(await walk.open())
    left = recipe(walk)
    assert left is not None
    assert left["until"] == int(walk.clock()) + LIFETIME
    assert "silent" not in left
    asked = query(left)
    assert asked["redirect_uri"] == "http://127.0.0.1:9401/callback.html"
    assert (asked["audience"], asked["ui_locales"]) == ("https://api.example", "de")
    assert "offline_access" in asked["scope"].split()


@running
async def test_a_page_without_the_gate_leaves_no_recipe() -> None:
    walk = pair()
    await walk.login(await walk.open())
    assert recipe(walk) is None


@running
async def test_a_silent_login_by_redirect_is_in_the_recipe_where_it_is_asked_for() -> None:
    walk = pair(silent_mode="redirect")
    gated(walk)
    await walk.login(await walk.open())
    assert query(recipe(walk), "silent")["prompt"] == "none"
    assert "prompt" not in query(recipe(walk))


@pytest.mark.parametrize("demanded", [True, False])
@running
async def test_par_is_pythons_own_and_an_old_recipe_goes(demanded: bool) -> None:
    """RFC 9126: a pushed request is good for one login, so none can wait in a recipe."""
    walk = pair()
    gated(walk)
    await walk.login(await walk.open())
    assert recipe(walk) is not None
    await walk.open(
        metadata={
            "authorization_endpoint": f"{walk.provider.issuer}authorize",
            "require_pushed_authorization_requests": demanded,
        },
        use_par="auto" if demanded else True,
        silent_mode="off",
    )
    assert recipe(walk) is None


@running
async def test_where_tokens_outlive_the_page_only_python_leaves_silently() -> None:
    """The gate cannot see that somebody is still logged in, and would leave at every load."""
    walk = pair(silent_mode="redirect", cache_location="localstorage")
    gated(walk)
    await walk.login(await walk.open())
    assert "silent" not in recipe(walk)


@running
async def test_a_gate_of_another_client_is_left_alone_and_named() -> None:
    walk = pair()
    gate = gated(walk, clicked=True)
    gate.client_id = "other"
    assert (await walk.open()).user is None
    assert (gate.clicked, gate.shown) == (True, [])
    assert any('data-client-id="demo"' in line for line in walk.browser.lines)


@running
async def test_a_provider_where_no_login_can_begin_gets_no_recipe() -> None:
    walk = pair(metadata={"token_endpoint": "https://id.example/token"}, silent_mode="off")
    gated(walk)
    auth = await walk.open()
    assert auth.redirect_result is None
    assert recipe(walk) is None


@running
async def test_where_nothing_lasts_there_is_no_recipe() -> None:
    walk = pair(silent_mode="off", metadata={"authorization_endpoint": "https://id.example/authorize"})
    gate = gated(walk)
    platform = walk.browser.platform._replace(local_storage=None)
    options = {"issuer": walk.provider.issuer, "client_id": "demo"}
    await AuthClient.create(client_config(options), platform)
    assert gate.shown == [False]


@running
async def test_elements_are_bound_where_there_is_a_page() -> None:
    walk = pair()
    auth = await walk.open()
    assert walk.browser.bound is None
    auth.bind()
    assert walk.browser.bound is auth


@running
async def test_where_there_is_no_page_there_is_nothing_to_bind() -> None:
    auth = await pair(window=False).open()
    with pytest.raises(NavigationUnavailableError, match="no page here"):
        auth.bind()
