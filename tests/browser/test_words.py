"""What goes wrong outside the page is said on the page, with what to do about it."""

import pytest
from browser.journey import Journey
from playwright.sync_api import expect


def test_a_provider_that_is_down_is_named(journey: Journey) -> None:
    journey.open("provider-down")
    journey.page.click("#login")
    journey.shows_error("/.well-known/openid-configuration cannot be reached", "Is the provider running there?")
    expect(journey.page.locator("#login")).to_be_enabled()


def test_a_provider_without_cors_is_told_from_one_that_is_down(journey: Journey) -> None:
    journey.open("provider-cors")
    journey.page.click("#login")
    journey.shows_error("(CORS)", f"At the provider, allow {journey.servers.origin} as a web origin")


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("api-down", ["/notes cannot be reached", "Is the API running there?"]),
        ("api-cors", ["(CORS)", 'origins=["{origin}"]']),
        ("api-audience", ["is not accepted", 'set "audience"', "https://api.example"]),
    ],
)
def test_what_is_wrong_with_an_api_is_named_and_the_user_stays_logged_in(
    journey: Journey, place: str, words: list[str]
) -> None:
    """An API that is down, lacks CORS, or wants another audience."""
    journey.log_in(place)
    journey.shows_error(*(word.format(origin=journey.servers.origin) for word in words))
    journey.page.click("#load")
    journey.shows_error(words[0])
    journey.is_logged_in()
    assert len(journey.servers.provider.journal.of("GET", "/authorize")) == 1


def test_a_session_that_the_provider_ended_is_told_at_the_next_call(journey: Journey) -> None:
    """`invalid_grant` ends the session once, and nothing asks again by itself (R-group)."""
    page, provider = journey.page, journey.servers.short
    journey.log_in("short")
    tokens = provider.inner._service.refresh_tokens
    for token in list(tokens):
        tokens.remove(token.key)
    expect(page.locator("#renewal")).to_be_visible()
    page.click("#load")
    journey.is_logged_out()
    journey.shows_error("Log in")
    assert len(provider.journal.grants) == 2
