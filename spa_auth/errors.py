"""Every error that spa_auth raises, in one tree.

::

    SpaAuthError
    ├── ConfigurationError                  an option is wrong; names all faults at once
    ├── OAuthError                          the provider said no; `.error` is its own code
    │   ├── LoginRequiredError              nobody is logged in, or not any more
    │   ├── ConsentRequiredError
    │   ├── InteractionRequiredError
    │   │   └── MfaRequiredError            a second factor is needed
    │   ├── AccessDeniedError
    │   ├── InvalidGrantError               the code or refresh token is spent or revoked
    │   └── ClientNotPublicError            the provider demands a client secret
    ├── ProtocolError                       an answer broke a rule of its specification
    │   ├── StateMismatchError
    │   ├── MissingTransactionError
    │   ├── TransactionExpiredError
    │   ├── IssuerMismatchError
    │   ├── DiscoveryError
    │   └── JWTError                        `.claim` names the check that failed
    │       └── IDTokenError
    │           ├── NonceMismatchError
    │           ├── OrganizationMismatchError
    │           └── SubMismatchError
    ├── NetworkError                        no answer; `.reason` is unreachable, cors, timeout or server_error
    ├── LoginTimeoutError                   also a TimeoutError
    │   └── PopupTimeoutError
    ├── PopupOpenError                      the browser blocked the window
    ├── LoginCancelledError                 the application cancelled a login by link
    ├── PopupCancelledError                 the user closed the window
    ├── NavigationError                     the page is still here after it should have left
    ├── NavigationUnavailableError          this platform has no window to navigate
    ├── StorageUnavailableError             this tab keeps nothing, so no login could come back to it
    ├── SilentAuthUnavailableError          no way to log in silently on this page; ends no session
    ├── MissingRefreshTokenError            `.audience`, `.scope`
    ├── MissingScopesError
    ├── TargetNotAllowedError               a token would have gone to a foreign origin
    ├── ResponseError                       an API answered with an error status; `.status`
    └── RequestError                        what a resource server answers; `.status`, `.headers`, `.body`
        ├── InvalidRequestError             400
        ├── InvalidTokenError               401
        ├── InvalidDPoPProofError           401, RFC 9449; `.claim` names the check that failed
        ├── UseDPoPNonceError               401, RFC 9449: the same again, with the nonce of the answer
        ├── InsufficientScopeError          403
        ├── InsufficientUserAuthenticationError  401, RFC 9470
        └── UpstreamError                   503

Each error carries a stable code in `.error`, a text without secrets in `.error_description`, and in
`.remedy` one sentence that says what to do. Attributes are evidence; nothing needs the message text.
"""

import contextlib
import json
from collections.abc import Iterator, Sequence

__all__ = [
    "AccessDeniedError",
    "ClientNotPublicError",
    "ConfigurationError",
    "ConsentRequiredError",
    "DiscoveryError",
    "IDTokenError",
    "InsufficientScopeError",
    "InsufficientUserAuthenticationError",
    "InteractionRequiredError",
    "InvalidDPoPProofError",
    "InvalidGrantError",
    "InvalidRequestError",
    "InvalidTokenError",
    "IssuerMismatchError",
    "JWTError",
    "LoginCancelledError",
    "LoginRequiredError",
    "LoginTimeoutError",
    "MfaRequiredError",
    "MissingRefreshTokenError",
    "MissingScopesError",
    "MissingTransactionError",
    "NavigationError",
    "NavigationUnavailableError",
    "NetworkError",
    "NonceMismatchError",
    "OAuthError",
    "OrganizationMismatchError",
    "PopupCancelledError",
    "PopupOpenError",
    "PopupTimeoutError",
    "ProtocolError",
    "RequestError",
    "ResponseError",
    "SilentAuthUnavailableError",
    "SpaAuthError",
    "StateMismatchError",
    "StorageUnavailableError",
    "SubMismatchError",
    "TargetNotAllowedError",
    "TransactionExpiredError",
    "UpstreamError",
    "UseDPoPNonceError",
    "oauth_error",
    "without_locals",
]


class SpaAuthError(Exception):
    """The base of all: `.error` a stable code, `.error_description` what happened, `.remedy` what to do.

    Args:
        error_description: What happened, in words, without any secret.
        error: The code, where it is not the one of the class.
        remedy: One sentence that names the setting and its value.

    `.app_state` is what the application gave to the login that failed, where the error belongs to one.
    """

    error = "spa_auth_error"
    remedy = ""
    app_state: object = None

    def __init__(self, error_description: str = "", *, error: str | None = None, remedy: str | None = None) -> None:
        self.error_description = error_description
        if error is not None:
            self.error = error
        if remedy is not None:
            self.remedy = remedy
        super().__init__(error_description)

    def __str__(self) -> str:
        return " ".join(part for part in (f"{self.error}:", self.error_description, self.remedy) if part)


class ConfigurationError(SpaAuthError):
    """One or more options are wrong. `.faults` lists them all, so that one run shows every one."""

    error = "invalid_configuration"

    def __init__(self, *faults: str, error: str | None = None, remedy: str | None = None) -> None:
        self.faults = faults
        super().__init__(" ".join(faults), error=error, remedy=remedy)


class OAuthError(SpaAuthError):
    """The provider answered with an error (RFC 6749 sections 4.1.2.1 and 5.2); `.error` is its own code."""

    error = "server_error"

    def __init__(
        self,
        error_description: str = "",
        *,
        error: str | None = None,
        remedy: str | None = None,
        status: int | None = None,
    ) -> None:
        self.status = status
        super().__init__(error_description, error=error, remedy=remedy)


class LoginRequiredError(OAuthError):
    """Nobody is logged in, or not any more: offer a login."""

    error = "login_required"
    remedy = "Log in: await auth.login_with_redirect()."


class ConsentRequiredError(OAuthError):
    """The user has to agree first, on a page of the provider."""

    error = "consent_required"
    remedy = "Log in again with await auth.login_with_redirect(), so that the provider can ask."


class InteractionRequiredError(OAuthError):
    """The provider has to show the user something first."""

    error = "interaction_required"
    remedy = "Log in again with await auth.login_with_redirect(), so that the provider can ask."


class MfaRequiredError(InteractionRequiredError):
    """The provider wants a second factor of the user."""

    error = "mfa_required"


class AccessDeniedError(OAuthError):
    """The user or the provider refused."""

    error = "access_denied"
    remedy = "Log in again and agree, or ask the provider's administrator for access."


class InvalidGrantError(OAuthError):
    """The code or refresh token is spent, expired or revoked (RFC 6749 section 5.2)."""

    error = "invalid_grant"
    remedy = "Log in again."


class ClientNotPublicError(OAuthError):
    """The provider demands a client secret, which no page can keep."""

    error = "invalid_client"
    remedy = (
        "Register the application as a single-page or public client (token endpoint authentication: none), "
        "and check client_id."
    )


class ProtocolError(SpaAuthError):
    """An answer broke a rule of its specification and was not used."""

    error = "invalid_response"


class StateMismatchError(ProtocolError):
    """The answer belongs to no login of this browser tab, while another login is pending here."""

    error = "state_mismatch"
    remedy = "Start the login again from the page itself."


class MissingTransactionError(ProtocolError):
    """The answer belongs to no login that this browser tab began, or that login was answered already."""

    error = "missing_transaction"
    remedy = "Start the login again from the page itself; a link to a finished login cannot be used twice."


class TransactionExpiredError(ProtocolError):
    """The login took longer than 15 minutes."""

    error = "transaction_expired"
    remedy = "Start the login again."


class IssuerMismatchError(ProtocolError):
    """The answer comes from another issuer than the one asked (RFC 9207)."""

    error = "issuer_mismatch"
    remedy = 'Set "issuer" to exactly the "issuer" value in the provider\'s discovery document.'


class DiscoveryError(ProtocolError):
    """The provider's metadata or keys cannot be used; `.claim` names the member at fault."""

    error = "discovery_error"

    def __init__(self, error_description: str = "", *, claim: str = "", remedy: str | None = None) -> None:
        self.claim = claim
        super().__init__(error_description, remedy=remedy)


class JWTError(ProtocolError):
    """A JSON Web Token failed a check; `.claim` says which: a claim, a header member, or "signature"."""

    error = "invalid_token"

    def __init__(
        self, error_description: str = "", *, claim: str, error: str | None = None, remedy: str | None = None
    ) -> None:
        self.claim = claim
        super().__init__(error_description, error=error, remedy=remedy)


class IDTokenError(JWTError):
    """The ID token failed a check of OpenID Connect Core 3.1.3.7 or 12.2; `.claim` says which."""

    remedy = "Start the login again; if it fails again, compare issuer and client_id with the provider's settings."


class NonceMismatchError(IDTokenError):
    """The ID token answers another login than this one."""

    error = "nonce_mismatch"
    remedy = "Start the login again."


class OrganizationMismatchError(IDTokenError):
    """The user has not logged in to the organization that was asked for."""

    error = "organization_mismatch"
    remedy = "Log in to this organization, or as one of its members."


class SubMismatchError(IDTokenError):
    """The answer is about another user than the one logged in (OpenID Connect Core 12.2)."""

    error = "sub_mismatch"
    remedy = "Log in again."


class NetworkError(SpaAuthError):
    """A request got no usable answer. `.reason` is "unreachable", "cors", "timeout" or "server_error"."""

    error = "network_error"

    def __init__(
        self, error_description: str = "", *, reason: str = "unreachable", error: str | None = None, remedy: str = ""
    ) -> None:
        self.reason = reason
        super().__init__(error_description, error=error, remedy=remedy)


class LoginTimeoutError(SpaAuthError, TimeoutError):
    """The provider did not answer in time."""

    error = "timeout"
    remedy = "Try again; if it lasts, look whether the provider's login page opens in a tab of its own."


class LoginCancelledError(SpaAuthError):
    """A login by link was given up by the application, or ended by a logout meanwhile."""

    error = "login_cancelled"
    remedy = "Make another link: await auth.login_link()."


class PopupTimeoutError(LoginTimeoutError):
    """Nobody logged in in the window in time. It is closed."""

    remedy = "Try again."


class PopupOpenError(SpaAuthError):
    """The browser opened no window."""

    error = "popup_blocked"
    remedy = "Call it in the handler of a click, before any other await, or let users log in by redirect."


class PopupCancelledError(SpaAuthError):
    """The user has closed the window before the login was over."""

    error = "cancelled"
    remedy = "Log in again when it is wanted."


class NavigationError(SpaAuthError):
    """The page was about to leave, and is still here."""

    error = "navigation_failed"
    remedy = "Try again."


class NavigationUnavailableError(SpaAuthError):
    """This platform has no window that could be sent to the provider."""

    error = "navigation_unavailable"
    remedy = (
        "Log in by link: await auth.login_link(). Or pass open_url= with a function that opens the address, then call "
        "handle_redirect_callback(url)."
    )


class StorageUnavailableError(SpaAuthError):
    """This tab keeps nothing, so a login could not be recognised when it comes back. Nothing was sent."""

    error = "storage_unavailable"
    remedy = "Allow this site to store data (cookies and site data) in the browser's settings, then try again."


class SilentAuthUnavailableError(SpaAuthError):
    """This page has no way to log in without showing something. No session is ended by this."""

    error = "silent_auth_unavailable"
    remedy = "Set redirect_uri to callback.html, which spa_auth ships, and register its address."


class MissingRefreshTokenError(SpaAuthError):
    """There is no refresh token for this API and scope: `.audience` and `.scope` name them."""

    error = "missing_refresh_token"
    remedy = "Log in for this API: await auth.login_with_redirect(audience=...), or set use_refresh_tokens_fallback."

    def __init__(self, error_description: str = "", *, audience: str | None = None, scope: str = "") -> None:
        self.audience = audience
        self.scope = scope
        super().__init__(error_description)


class MissingScopesError(SpaAuthError):
    """The provider granted less than was asked: `.missing` names what is not there."""

    error = "missing_scopes"
    remedy = "Allow these scopes for this application at the provider, then log in again."

    def __init__(self, error_description: str = "", *, missing: Sequence[str] = ()) -> None:
        self.missing = tuple(missing)
        super().__init__(error_description)


class TargetNotAllowedError(SpaAuthError):
    """A token would have been sent to an origin that is not listed; `.origin` names it. Nothing was sent."""

    error = "target_not_allowed"

    def __init__(self, error_description: str = "", *, origin: str = "", error: str | None = None) -> None:
        self.origin = origin
        remedy = f'Add "{origin}" to allowed_origins, or set base_url to the API.' if origin else ""
        super().__init__(error_description, error=error, remedy=remedy)


class ResponseError(SpaAuthError):
    """An API answered with an error status; `.status`, and `.challenge_error` from WWW-Authenticate."""

    error = "response_error"

    def __init__(
        self,
        error_description: str = "",
        *,
        status: int,
        challenge_error: str | None = None,
        remedy: str | None = None,
    ) -> None:
        self.status = status
        self.challenge_error = challenge_error
        super().__init__(error_description, remedy=remedy)


class RequestError(SpaAuthError):
    """A resource server refuses a request: `.status`, `.headers`, `.body` are the whole answer to send.

    The texts of the answer are fixed; what exactly was wrong is in `.detail`, for the log only.
    """

    error = "invalid_request"
    status = 400

    def __init__(
        self,
        error_description: str = "",
        *,
        detail: str = "",
        headers: tuple[tuple[str, str], ...] = (),
        remedy: str | None = None,
    ) -> None:
        self.detail = detail
        self.headers = headers
        super().__init__(error_description, remedy=remedy)

    @property
    def body(self) -> bytes:
        """The JSON body of the answer: error and error_description, both fixed texts."""
        return json.dumps({"error": self.error, "error_description": self.error_description}).encode()


class InvalidRequestError(RequestError):
    """The request is malformed: 400 (RFC 6750 section 3.1)."""


class InvalidTokenError(RequestError):
    """There is no token, or it is not accepted: 401 (RFC 6750 section 3.1)."""

    error = "invalid_token"
    status = 401


class InvalidDPoPProofError(RequestError):
    """There is no DPoP proof, or it is not accepted: 401 (RFC 9449 section 7.1); `.claim` names the check."""

    error = "invalid_dpop_proof"
    status = 401

    def __init__(
        self,
        error_description: str = "",
        *,
        claim: str = "",
        detail: str = "",
        headers: tuple[tuple[str, str], ...] = (),
        remedy: str | None = None,
    ) -> None:
        self.claim = claim
        super().__init__(error_description, detail=detail, headers=headers, remedy=remedy)


class UseDPoPNonceError(RequestError):
    """The DPoP proof needs a nonce of this server, which the answer brings: 401 (RFC 9449 section 9)."""

    error = "use_dpop_nonce"
    status = 401


class InsufficientScopeError(RequestError):
    """The token is good but allows less than this needs: 403; `.required` names the scopes."""

    error = "insufficient_scope"
    status = 403
    required: tuple[str, ...] = ()


class InsufficientUserAuthenticationError(RequestError):
    """The user must log in anew or more strongly: 401 (RFC 9470 section 3)."""

    error = "insufficient_user_authentication"
    status = 401


class UpstreamError(RequestError):
    """The provider's keys or metadata cannot be had: 503, never 401."""

    error = "temporarily_unavailable"
    status = 503


_CAN_WAIT = 0x20 | 0x80 | 0x100 | 0x200  # generators and coroutines, as inspect.CO_* has them

_OAUTH_ERRORS: dict[str, type[OAuthError]] = {
    "login_required": LoginRequiredError,
    "consent_required": ConsentRequiredError,
    "interaction_required": InteractionRequiredError,
    "account_selection_required": InteractionRequiredError,
    "mfa_required": MfaRequiredError,
    "access_denied": AccessDeniedError,
    "invalid_grant": InvalidGrantError,
}


def oauth_error(error: str, error_description: str = "", *, status: int | None = None) -> OAuthError:
    """The OAuthError, or the subclass of it, that stands for a provider's error code."""
    kind = _OAUTH_ERRORS.get(error, OAuthError)
    return kind(error_description, error=error, status=status)


def without_locals(error: BaseException) -> BaseException:
    """Forget the local variables of every frame that an error passed, as one of them may hold a token.

    Returns the same error, for `raise without_locals(error)`. Frames that still run keep theirs, and so do the
    application's coroutines.
    """
    for link in _chain(error):
        traceback = link.__traceback__
        while traceback is not None:
            frame = traceback.tb_frame
            # Before Python 3.13, to clear a coroutine that waits is to end it: the application's may have caught
            # this error, and be waiting for something else.
            if not frame.f_code.co_flags & _CAN_WAIT or str(frame.f_globals.get("__name__")).startswith("spa_auth."):
                with contextlib.suppress(RuntimeError):  # the frame is still running
                    frame.clear()
            traceback = traceback.tb_next
    return error


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        link = waiting.pop()
        if link is not None and link not in seen:
            seen.append(link)
            waiting += [link.__cause__, link.__context__]
            yield link
