"""How a popup or a hidden frame can answer on this page: decided from what is known, without trying.

What is missing is named in an error of its own, with what to do about it. No session ends by that.
"""

from typing import TYPE_CHECKING, Literal, NamedTuple

from spa_auth.errors import NavigationUnavailableError, SilentAuthUnavailableError

if TYPE_CHECKING:
    from spa_auth.client.ports import AnswerMode

CALLBACK_PAGE: Literal["callback_page"] = "callback_page"
WEB_MESSAGE: Literal["web_message"] = "web_message"
_BY_URL = "Log in with login_with_redirect(open_url=...), then call handle_redirect_callback(url)."
_BY_CALLBACK_PAGE = "Set redirect_uri to callback.html, which spa_auth ships, and register its address."


class Surroundings(NamedTuple):
    """What a page offers to a popup or a hidden frame."""

    has_window: bool
    has_callback_page: bool
    is_isolated: bool


def check_silent(wanted: str, page: Surroundings) -> None:
    """Refuse a silent login that this page cannot make at any provider.

    Args:
        wanted: The option `silent_mode`.
        page: What the page offers.

    Raises:
        SilentAuthUnavailableError: Says why, and what to do.
    """
    if wanted == "off":
        raise SilentAuthUnavailableError("Silent login is switched off.", remedy='Set silent_mode to "auto".')
    if not page.has_window:
        raise SilentAuthUnavailableError("There is no window here that could hold a hidden frame.", remedy=_BY_URL)
    if wanted == "redirect":
        raise SilentAuthUnavailableError(
            'With silent_mode="redirect" only the start of a page logs in silently.',
            remedy="Log in with login_with_redirect(), which asks nothing of a user whom the provider knows.",
        )
    if page.is_isolated:
        raise SilentAuthUnavailableError(
            "This page is cross-origin isolated, so it cannot load the provider in a frame.",
            remedy='Set silent_mode to "redirect", or serve the page without Cross-Origin-Embedder-Policy.',
        )


def silent_answer_mode(wanted: str, page: Surroundings, trait: str) -> "AnswerMode":
    """How a hidden frame answers, on a page that passed `check_silent`.

    Args:
        wanted: The option `silent_mode`.
        page: What the page offers.
        trait: The provider's trait `silent`.

    Raises:
        SilentAuthUnavailableError: There is no way that both sides know.
    """
    if trait == "off":
        raise SilentAuthUnavailableError(
            "The provider does not log in silently in a frame.", remedy='Set silent_mode to "redirect".'
        )
    mode = _answer_mode(wanted, page, trait)
    if mode is None:
        raise SilentAuthUnavailableError(_missing(wanted), remedy=_BY_CALLBACK_PAGE)
    return mode


def popup_answer_mode(wanted: str, page: Surroundings, trait: str) -> "AnswerMode":
    """How a popup answers.

    Args:
        wanted: The option `popup_mode`.
        page: What the page offers.
        trait: The provider's trait `silent`.

    Raises:
        NavigationUnavailableError: `popup_unsupported`; there is no way that both sides know.
    """
    mode = _answer_mode(wanted, page, trait)
    fault = _missing(wanted) if mode is None else ""
    if mode == WEB_MESSAGE and page.is_isolated:
        # Its opener is severed, so that no message of the provider's page arrives (Cross-Origin-Opener-Policy).
        fault = "This page is cross-origin isolated, so only a callback page can answer a popup."
    if mode is None or fault:
        raise NavigationUnavailableError(fault, error="popup_unsupported", remedy=_BY_CALLBACK_PAGE)
    return mode


def _answer_mode(wanted: str, page: Surroundings, trait: str) -> "AnswerMode | None":
    if wanted == WEB_MESSAGE or (wanted == "auto" and not page.has_callback_page and trait == WEB_MESSAGE):
        return WEB_MESSAGE
    return CALLBACK_PAGE if page.has_callback_page else None


def _missing(wanted: str) -> str:
    return "There is no callback page" + (", and the provider lists no web_message." if wanted == "auto" else ".")
