"""How a popup or a hidden frame can answer: every case of page, option and provider."""

import pytest

from spa_auth.client.negotiation import Surroundings, check_silent, popup_answer_mode, silent_answer_mode
from spa_auth.errors import NavigationUnavailableError, SilentAuthUnavailableError


def surroundings(*, window: bool = True, callback: bool = True, isolated: bool = False) -> Surroundings:
    """A page, as it mostly is."""
    return Surroundings(has_window=window, has_callback_page=callback, is_isolated=isolated)


@pytest.mark.parametrize("wanted", ["auto", "callback_page", "web_message"])
def test_a_page_with_a_window_that_is_not_isolated_may_try(wanted: str) -> None:
    check_silent(wanted, surroundings())


@pytest.mark.parametrize(
    ("wanted", "page", "words", "remedy"),
    [
        ("off", surroundings(), "switched off", 'silent_mode to "auto"'),
        ("auto", surroundings(window=False), "no window", "open_url="),
        ("redirect", surroundings(), "only the start", "login_with_redirect"),
        ("auto", surroundings(isolated=True), "isolated", 'silent_mode to "redirect"'),
        ("web_message", surroundings(isolated=True), "isolated", "Cross-Origin-Embedder-Policy"),
    ],
)
def test_a_page_that_cannot_log_in_silently_is_told_why_and_what_to_do(
    wanted: str, page: Surroundings, words: str, remedy: str
) -> None:
    """W09: an error of its own."""
    with pytest.raises(SilentAuthUnavailableError) as caught:
        check_silent(wanted, page)
    assert words in caught.value.error_description
    assert remedy in caught.value.remedy


@pytest.mark.parametrize(
    ("wanted", "callback", "trait", "mode"),
    [
        ("auto", True, "callback_page", "callback_page"),
        ("auto", True, "web_message", "callback_page"),
        ("auto", False, "web_message", "web_message"),
        ("callback_page", True, "web_message", "callback_page"),
        ("web_message", True, "callback_page", "web_message"),
        ("web_message", False, "callback_page", "web_message"),
    ],
)
def test_the_callback_page_comes_first_then_web_message_and_what_is_wanted_counts(
    wanted: str, callback: bool, trait: str, mode: str
) -> None:
    page = surroundings(callback=callback)
    assert silent_answer_mode(wanted, page, trait) == mode
    assert popup_answer_mode(wanted, page, trait) == mode


@pytest.mark.parametrize(
    ("wanted", "trait"),
    [("auto", "callback_page"), ("callback_page", "callback_page"), ("callback_page", "web_message")],
)
def test_without_a_way_that_both_sides_know_the_callback_page_is_named(wanted: str, trait: str) -> None:
    page = surroundings(callback=False)
    with pytest.raises(SilentAuthUnavailableError) as silent:
        silent_answer_mode(wanted, page, trait)
    with pytest.raises(NavigationUnavailableError) as popup:
        popup_answer_mode(wanted, page, trait)
    assert silent.value.error_description == popup.value.error_description
    assert "callback.html" in silent.value.remedy
    assert popup.value.error == "popup_unsupported"


def test_a_provider_that_answers_in_no_frame_may_be_said_to() -> None:
    with pytest.raises(SilentAuthUnavailableError) as caught:
        silent_answer_mode("auto", surroundings(), "off")
    assert "redirect" in caught.value.remedy
    assert popup_answer_mode("auto", surroundings(), "off") == "callback_page"


@pytest.mark.parametrize("wanted", ["auto", "callback_page"])
def test_on_an_isolated_page_popups_answer_through_the_callback_page(wanted: str) -> None:
    """W08."""
    assert popup_answer_mode(wanted, surroundings(isolated=True), "web_message") == "callback_page"


@pytest.mark.parametrize(("wanted", "callback"), [("web_message", True), ("auto", False)])
def test_on_an_isolated_page_no_popup_answers_by_web_message(wanted: str, callback: bool) -> None:
    """W08."""
    with pytest.raises(NavigationUnavailableError) as caught:
        popup_answer_mode(wanted, surroundings(callback=callback, isolated=True), "web_message")
    assert "isolated" in caught.value.error_description
