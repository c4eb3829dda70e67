"""What a page's own Python can rely on around a login."""

import json

from browser.journey import START, Journey
from playwright.sync_api import expect


def test_no_line_after_login_with_redirect_runs_while_the_provider_is_slow(journey: Journey) -> None:
    """The page leaves two seconds later, and nothing has happened in between; app_state and address survive."""
    page, servers = journey.page, journey.servers
    servers.provider.inner.controls.next("/authorize", delay=2, times=None)
    servers.provider.inner.controls.next("/.well-known/openid-configuration", delay=1, times=None)
    servers.provider.inner.controls.next("/oauth/token", delay=1, times=None)
    journey.run(
        START
        + """
from js import localStorage

auth = await create_auth_client()
result = auth.redirect_result
if result is None:
    localStorage.setItem("before", "ran")
    await auth.login_with_redirect(app_state={"basket": [1, "ü", None]}, return_to="?page=2#notes")
    localStorage.setItem("after", "ran")

@auth.changed
def early(user):
    say("early", user and user.name, auth.changed.reason)

@when(auth.changed)
def late(user):
    say("late", user.name)

say(json.dumps(result.app_state, ensure_ascii=False), result.error)
done()
"""
    )
    page.locator("button[value=alice]").click()
    said = journey.said()
    assert "early Alice Archer login" in said
    assert "late Alice Archer" in said
    assert '{"basket": [1, "ü", null]} None' in said
    assert page.url.endswith("/?page=2#notes")
    assert page.evaluate("[localStorage.getItem('before'), localStorage.getItem('after')]") == ["ran", None]


def test_scripts_that_run_by_turns_share_one_client(journey: Journey) -> None:
    journey.run(
        START
        + """
first, second = await asyncio.gather(create_auth_client(), create_auth_client())
third = await create_auth_client()
say(first is second is third)
try:
    await create_auth_client(issuer=ISSUER, client_id="demo", leeway=1)
except Exception as error:
    say(error.error)
try:
    await create_auth_client(issuer="http://provider.example/", client_id="", color="red")
except Exception as error:
    say(error)
done()
""".replace("ISSUER", repr(journey.servers.provider.issuer))
    )
    said = journey.said()
    assert said.startswith("True\ninvalid_configuration\n")
    assert 'There is no option "color"' in said
    assert '"client_id"' in said
    assert journey.servers.provider.journal.exchanges == []


def test_leaving_that_does_not_happen_is_an_error_after_a_while(journey: Journey) -> None:
    """An answer 204 leaves the page where it is."""
    journey.page.route("**/authorize?*", lambda route: route.fulfill(status=204))
    journey.run(
        START
        + """
auth = await create_auth_client()
try:
    await auth.login_with_redirect()
except Exception as error:
    say(type(error).__name__, error.error)
done()
""",
        navigation_timeout=1,
    )
    assert journey.said().strip() == "NavigationError navigation_failed"


def test_an_exception_in_a_handler_is_shown_as_text(journey: Journey) -> None:
    """An async handler's exception is otherwise invisible on a PyScript page; HTML in it stays text (S15)."""
    journey.run(
        START
        + """
auth = await create_auth_client()

@when("click", "#go")
@auth.reports("#error")
async def go():
    raise ValueError("<img src=x onerror=alert(1)>")

done()
"""
    )
    journey.said()
    journey.page.click("#go")
    journey.shows_error("ValueError: <img src=x onerror=alert(1)>")
    assert journey.page.locator("#error img").count() == 0


def test_two_silent_calls_at_once_share_one_frame_and_one_code(journey: Journey) -> None:
    """W19."""
    journey.log_in()
    journey.servers.provider.journal.clear()
    journey.run(
        START
        + """
auth = await create_auth_client()
tokens = await asyncio.gather(*(auth.get_token_silently() for _ in range(5)))
say(len(set(tokens)), auth.user.name)
done()
"""
    )
    assert journey.said().strip() == "1 Alice Archer"
    assert len(journey.servers.provider.journal.grants) == 1


def test_a_page_without_a_callback_page_is_its_own_redirect_uri(journey: Journey) -> None:
    page = journey.page
    journey.run(
        START
        + """
auth = await create_auth_client()
user = await auth.require_login()
say(user.name)
done()
""",
        redirect_uri=None,
    )
    page.locator("button[value=alice]").click()
    assert journey.said().strip() == "Alice Archer"
    assert "?" not in page.url


def test_an_insecure_page_is_refused_with_what_to_do(journey: Journey) -> None:
    """A02: without crypto.subtle nothing is made up from weaker randomness."""
    journey.page.add_init_script("Object.defineProperty(crypto, 'subtle', {value: undefined})")
    journey.run(
        START
        + """
auth = await create_auth_client()
try:
    await auth.login_with_redirect()
except Exception as error:
    say(error)
done()
"""
    )
    said = journey.said()
    assert "insecure_context" in said
    assert "https" in said


def test_blocked_storage_leaves_a_page_that_lives(journey: Journey) -> None:
    journey.page.add_init_script(
        """for (const name of ['localStorage', 'sessionStorage'])
            Object.defineProperty(window, name, {get() { throw new DOMException('no', 'SecurityError') }})"""
    )
    journey.run(
        START
        + """
auth = await create_auth_client()
say(auth.user)
from spa_auth.browser.storage import WebStorage
storage = WebStorage("localStorage")
storage.set("a", "b"); storage.remove("a")
say(storage.get("a"), storage.names())
done()
"""
    )
    assert journey.said().split("\n")[:2] == ["None", "None []"]


def test_tokens_are_in_no_storage_and_no_global(journey: Journey) -> None:
    """S01, S02: after a login only the hint is stored, and it names nobody."""
    journey.log_in()
    stored = json.loads(journey.page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])"))
    (hint,) = stored[0].items()
    assert hint[0] == f"spa_auth:hint:{journey.servers.provider.issuer}:demo"
    assert set(json.loads(hint[1])) == {"v", "until"}
    assert stored[1] == {}
    expect(journey.page.locator("#error")).to_be_hidden()
