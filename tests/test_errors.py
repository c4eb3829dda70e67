import inspect
import json
import re
import sys
from typing import Any

import pytest

import spa_auth
from spa_auth import errors
from spa_auth.errors import (
    AccessDeniedError,
    ConfigurationError,
    ConsentRequiredError,
    IDTokenError,
    InsufficientScopeError,
    InteractionRequiredError,
    InvalidGrantError,
    InvalidTokenError,
    JWTError,
    LoginRequiredError,
    LoginTimeoutError,
    MissingScopesError,
    NetworkError,
    NonceMismatchError,
    OAuthError,
    ProtocolError,
    RequestError,
    ResponseError,
    SpaAuthError,
    TargetNotAllowedError,
    UpstreamError,
    oauth_error,
    without_locals,
)

KINDS = sorted(
    (kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, SpaAuthError)),
    key=lambda kind: kind.__name__,
)
NEEDED: dict[type[SpaAuthError], dict[str, Any]] = {
    kind: {"claim": "x"} if issubclass(kind, JWTError) else {"status": 500} if kind is ResponseError else {}
    for kind in KINDS
}


def drawn_tree() -> dict[str, str]:
    """Every class in the drawing at the top of errors.py, with the class above it."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"    ([ │├└─]*)(\w+Error)", line):
            depth = len(match[1]) // 4
            path[depth:] = [match[2]]
            parents[match[2]] = path[depth - 1] if depth else "Exception"
    return parents


def test_the_drawn_tree_is_the_real_one() -> None:
    real = {kind.__name__: kind.__mro__[1].__name__ for kind in KINDS}
    assert drawn_tree() == real


def test_every_error_is_public() -> None:
    names = {kind.__name__ for kind in KINDS}
    assert names <= set(errors.__all__)
    assert names <= set(spa_auth.__all__)


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_has_a_code_a_text_and_a_remedy(kind: type[SpaAuthError]) -> None:
    error = kind("What happened.", **NEEDED[kind])
    assert re.fullmatch(r"[a-z_]+", error.error)
    assert error.error_description == "What happened."
    assert isinstance(error.remedy, str)
    assert error.app_state is None
    assert str(error).startswith(f"{error.error}: What happened.")
    assert str(error).endswith(error.remedy)


def test_code_and_remedy_of_an_error_can_be_its_own() -> None:
    error = ProtocolError("Text.", error="invalid_url", remedy="Do this.")
    assert str(error) == "invalid_url: Text. Do this."
    assert ProtocolError.error == "invalid_response"


def test_an_error_without_text_shows_its_code_and_remedy() -> None:
    assert str(InvalidGrantError()) == "invalid_grant: Log in again."


def test_a_configuration_error_names_all_faults_at_once() -> None:
    error = ConfigurationError("issuer is missing.", "scope is wrong.")
    assert error.faults == ("issuer is missing.", "scope is wrong.")
    assert error.error_description == "issuer is missing. scope is wrong."


def test_a_login_timeout_is_also_a_timeout_of_python() -> None:
    with pytest.raises(TimeoutError):
        raise LoginTimeoutError("It took too long.")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("login_required", LoginRequiredError),
        ("consent_required", ConsentRequiredError),
        ("interaction_required", InteractionRequiredError),
        ("account_selection_required", InteractionRequiredError),
        ("access_denied", AccessDeniedError),
        ("invalid_grant", InvalidGrantError),
        ("something_else", OAuthError),
    ],
)
def test_a_code_of_the_provider_becomes_its_class_and_stays_itself(code: str, kind: type[OAuthError]) -> None:
    error = oauth_error(code, "Text.", status=400)
    assert type(error) is kind
    assert (error.error, error.status) == (code, 400)


def test_evidence_is_in_attributes() -> None:
    assert JWTError("", claim="exp").claim == "exp"
    assert NonceMismatchError("", claim="nonce").error == "nonce_mismatch"
    assert isinstance(NonceMismatchError("", claim="nonce"), IDTokenError)
    assert NetworkError("", reason="cors").reason == "cors"
    assert MissingScopesError("", missing=["a", "b"]).missing == ("a", "b")
    assert ResponseError("", status=404, challenge_error="invalid_token").challenge_error == "invalid_token"
    assert InvalidTokenError(headers=(("WWW-Authenticate", "Bearer"),), detail="iss").headers[0][1] == "Bearer"


def test_a_refused_target_names_the_setting_that_allows_it() -> None:
    assert (
        'Add "https://api.example" to allowed_origins' in TargetNotAllowedError("", origin="https://api.example").remedy
    )
    assert TargetNotAllowedError("").remedy == ""


@pytest.mark.parametrize(
    ("kind", "status"),
    [(RequestError, 400), (InvalidTokenError, 401), (InsufficientScopeError, 403), (UpstreamError, 503)],
)
def test_h02_each_refusal_has_its_status(kind: type[RequestError], status: int) -> None:
    assert kind().status == status


@pytest.mark.parametrize(
    "text", ["Plain.", 'With "quotes".', "back\\slash", "new\nline", "ünïcode", "\x00\x1f</script>"]
)
def test_h01_the_body_of_a_refusal_is_json_whatever_its_text(text: str) -> None:
    body = InvalidTokenError(text, detail="for the log only").body
    assert json.loads(body) == {"error": "invalid_token", "error_description": text}
    assert body.isascii()


def fail_with_a_secret(secret: str) -> None:
    token = secret * 2
    raise ProtocolError("It failed.") if token else ProtocolError("Never.")


def fail_twice(secret: str) -> None:
    try:
        fail_with_a_secret(secret)
    except ProtocolError as error:
        raise NetworkError("Again.") from error


def locals_of(error: BaseException) -> str:
    texts: list[str] = []
    link: BaseException | None = error
    while link is not None:
        traceback = link.__traceback__
        while traceback is not None:
            texts.append(repr(traceback.tb_frame.f_locals) if traceback.tb_frame is not sys._getframe(1) else "")
            traceback = traceback.tb_next
        link = link.__context__
    return "".join(texts)


def test_without_locals_forgets_what_every_frame_knew() -> None:
    """S03: a traceback that is kept, as Pyodide keeps the last one, holds no token."""
    with pytest.raises(NetworkError) as caught:
        fail_twice("canary")
    assert "canarycanary" in locals_of(caught.value)
    assert without_locals(caught.value) is caught.value
    assert "canary" not in locals_of(caught.value)


def test_without_locals_leaves_running_frames_alone_and_ends_on_circles() -> None:
    value = "still here"
    first, second = ProtocolError("1"), ProtocolError("2")
    first.__context__, second.__context__ = second, first
    try:
        raise first
    except ProtocolError as error:
        without_locals(error)
    assert value == "still here"
